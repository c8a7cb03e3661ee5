/* The band while there is no connection: when the next try is made, and that nothing is lost. */

import { useEffect, useState } from "react";
import { useLine, useLive } from "../api";
import { useSecond } from "../parts";
import { useWords } from "../words";
import styles from "./Band.module.css";
import { BandButton, Block } from "./Parts";

/** A short interruption is not worth a word. */
const PATIENCE_MS = 1500;

/** Whether the line has been away long enough to say so. */
export function useIsAway(): boolean {
  const since = useLive((view) => view.awaySince);
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    if (since === null) return;
    const timer = setTimeout(() => setLong(true), Math.max(0, since + PATIENCE_MS - Date.now()));
    return () => {
      clearTimeout(timer);
      setLong(false);
    };
  }, [since]);
  return since !== null && isLong;
}

export function Away() {
  const t = useWords("band");
  const line = useLine();
  const since = useLive((view) => view.awaySince);
  return (
    <>
      <Block state="offline" since={since} skew={0} />
      <div className={styles["facts"]}>
        <AwayWord />
      </div>
      <div className={styles["acts"]}>
        <BandButton icon="refresh" onClick={line.retry}>
          {t("retry")}
        </BandButton>
      </div>
    </>
  );
}

/** "No connection, trying again in 4 s. What you write is kept." */
export function AwayWord() {
  const t = useWords("band");
  const retryAt = useLive((view) => view.retryAt);
  const now = useSecond();
  const seconds = retryAt === null ? 0 : Math.ceil((retryAt - now) / 1000);
  return <span className="cut">{seconds > 0 ? t("away", { seconds }) : t("connecting")}</span>;
}
