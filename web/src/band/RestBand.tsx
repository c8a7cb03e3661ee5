/* The band between calls: how one is, which phone rings, what comes next, and the dial field. */

import { Link } from "react-router";
import { api, body, keys, useOpenCalls, useQuery } from "../api";
import { useSession } from "../app/session";
import { DialField } from "../dial/DialField";
import { useCanCall } from "../dial/placing";
import { useFormats } from "../formats";
import { useWords } from "../words";
import styles from "./Band.module.css";
import { usePagePhone } from "./pagePhone";
import type { Rest } from "./phone";
import { Word } from "./Told";
import { StateMenu } from "./StateMenu";
import { usePhonePart } from "./store";

export function RestBand({ rest, skew }: { rest: Rest; skew: number }) {
  const t = useWords("band");
  const { who } = useSession();
  const page = usePagePhone();
  const canCall = useCanCall();
  const word = usePhonePart((view) => view.word);
  const first = who.phones[0];
  const extension = first ? t("extension", { extension: first.extension }) : "";
  return (
    <>
      <StateMenu rest={rest} skew={skew} />
      <div className={styles["facts"]}>
        {word ? (
          <Word />
        ) : (
          <>
            <span className={styles["fact"]}>
              <small>{t("phone")}</small>
              <span className="cut">{first ? t(page ? "phone.page" : "phone.desk", { extension }) : t("noPhone")}</span>
            </span>
            {first ? <Next /> : null}
          </>
        )}
      </div>
      <div className={`${styles["acts"]} ${styles["dial"]}`}>{canCall ? <DialField /> : <CallsNow />}</div>
    </>
  );
}

/** The next call that is planned. */
function Next() {
  const t = useWords("band");
  const f = useFormats();
  const { userId, may } = useSession();
  const next = useQuery({
    queryKey: keys.view("scheduled", "next", userId),
    queryFn: async () => {
      const query = { user: userId ?? 0, state: ["planned" as const], since: new Date().toISOString(), limit: 1 };
      return (await body(api.GET("/api/v1/scheduled-calls", { params: { query } }))).items[0] ?? null;
    },
    enabled: may("scheduled.read_own") && userId !== null,
  }).data;
  if (!next) return null;
  const name = f.client(next.contact?.name, next.number);
  return (
    <span className={styles["fact"]}>
      <small>{t("next")}</small>
      <span className="cut">
        {f.moment(next.at)} {next.contact ? <Link to={`/clients/${next.contact.id}`}>{name}</Link> : name}
      </span>
    </span>
  );
}

function CallsNow() {
  const t = useWords("band");
  const f = useFormats();
  const { may } = useSession();
  const n = useOpenCalls().size;
  if (!may("calls.read_all")) return null;
  return (
    <span className={styles["fact"]}>
      <small>{t("now")}</small>
      <b>{f.count(n)}</b>
    </span>
  );
}
