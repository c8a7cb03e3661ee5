/* The panel itself, under the band; the page stays as it is. What is sent meanwhile goes from the list. */

import { Button } from "@mantine/core";
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { Link } from "react-router";
import { subscribe } from "../drafts/store";
import { tame } from "../formats";
import { useKeys } from "../keyboard";
import { useWords } from "../words";
import { askBeforeLeaving, unsentBy, useLeave } from "./leaving";
import type { Unsent } from "../drafts/unsent";
import { useSession } from "./session";
import styles from "./SignIn.module.css";

export default function LeavingPanel() {
  const t = useWords("shell");
  const leave = useLeave();
  const unsent = useUnsent();
  const stay = () => askBeforeLeaving(false);
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  useKeys({ leave: stay });
  return (
    <section className={styles["over"]} aria-label={t("leave.title", { count: unsent.length })}>
      <div>
        <div role="alert">
          <h2>{t("leave.title", { count: unsent.length })}</h2>
          <p>{t(unsent.length > 0 ? "leave.how" : "leave.sent")}</p>
        </div>
        <ul className={styles["unsent"]}>
          {unsent.map((one) => (
            <li key={one.field}>{one.to === null ? <Named one={one} /> : <Link to={one.to} onClick={stay}><Named one={one} /></Link>}</li>
          ))}
        </ul>
      </div>
      <div className={styles["acts"]}>
        <Button ref={first} variant="filled" onClick={stay}>
          {t("leave.stay")}
        </Button>
        <Button variant="default" color={unsent.length > 0 ? "red" : "gray"} onClick={() => leave(true)}>
          {t(unsent.length > 0 ? "leave.out" : "menu.signOut")}
        </Button>
      </div>
    </section>
  );
}

function Named({ one }: { one: Unsent }) {
  const t = useWords("shell");
  return (
    <>
      {t(`leave.${one.kind}`)}
      {one.begin && `: ${tame(one.begin)}`}
    </>
  );
}

function useUnsent(): readonly Unsent[] {
  const who = useSession().id;
  const raw = useSyncExternalStore(subscribe, () => JSON.stringify(unsentBy(who)));
  return useMemo(() => JSON.parse(raw) as readonly Unsent[], [raw]);
}
