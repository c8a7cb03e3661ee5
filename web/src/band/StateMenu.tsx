/* How one is between calls, and choosing it: free, a break with its reason, off; and the ring of this page. */

import { forwardRef, useState } from "react";
import { api, body, keys, once, useAct, useQuery } from "../api";
import { useSession } from "../app/session";
import { Icon, STATE_ICONS, Timer } from "../parts";
import { LateMenu } from "../parts/LateMenu";
import { useWords } from "../words";
import styles from "./Band.module.css";
import { useFaultWords } from "./orders";
import type { Rest } from "./phone";
import { say } from "./store";
import type { StateChoice } from "./StateItems";
import { late } from "../parts/late";

const StateItems = late(() => import("./StateItems"));

export function StateMenu({ rest, skew }: { rest: Rest; skew: number }) {
  const t = useWords("band");
  const { may } = useSession();
  const [isOpen, setOpen] = useState(false);
  const reasons = useReasons();
  const faultWords = useFaultWords();
  const choose = useAct((send: StateChoice, key) => body(api.PUT("/api/v1/states/me", { params: { header: once(key) }, body: send })), {
    onFault: (fault) => say(faultWords(fault)),
  });
  const reasonName = (key: string, name: string) => (isKnown(key) ? t(`reason.${key}`) : name);
  const present = reasons.find((reason) => reason.key === rest.reason);
  const word = rest.kind === "break" && present ? reasonName(present.key, present.name) : t(`state.${rest.kind}`);
  if (!may("states.write_own")) return <StateBlock rest={rest} skew={skew} word={word} isFixed />;
  return (
    <LateMenu
      position="bottom-start"
      isOpen={isOpen}
      onChange={setOpen}
      target={
        <StateBlock
          rest={rest}
          skew={skew}
          word={word}
          aria-haspopup="menu"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        />
      }
    >
      <StateItems reasons={reasons.map(({ id, key, name }) => ({ id, key, name: reasonName(key, name) }))} choose={choose.run} />
    </LateMenu>
  );
}

const KNOWN = ["rest", "lunch", "training", "meeting", "paperwork"] as const;

function isKnown(key: string): key is (typeof KNOWN)[number] {
  return (KNOWN as readonly string[]).includes(key);
}

function useReasons() {
  const { may } = useSession();
  return (
    useQuery({
      queryKey: keys.view("states", "reasons"),
      queryFn: async () => (await body(api.GET("/api/v1/break-reasons"))).items,
      staleTime: 10 * 60_000,
      enabled: may("states.read_own"),
    }).data ?? []
  );
}

interface BlockProps extends React.ButtonHTMLAttributes<HTMLButtonElement> {
  rest: Rest;
  skew: number;
  word: string;
  isFixed?: boolean;
}

const StateBlock = forwardRef<HTMLButtonElement, BlockProps>(function StateBlock({ rest, skew, word, isFixed, className, ...props }, ref) {
  const t = useWords("band");
  return (
    <button type="button" ref={ref} {...props} className={`${styles["block"]} ${className ?? ""}`} data-state={rest.kind} disabled={isFixed}>
      <Icon name={STATE_ICONS[rest.kind]} size={22} />
      <span className={styles["state"]}>
        <b>
          <span className="unseen">{t("menu")}</span>
          <span className="cut">{word}</span>
          {!isFixed && <Icon name="down" size={14} />}
        </b>
        {rest.since !== null && rest.kind !== "off" && <Timer since={rest.since} skew={skew} className={styles["time"]} />}
      </span>
    </button>
  );
});
