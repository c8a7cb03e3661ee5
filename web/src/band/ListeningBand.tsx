/* The band of a supervisor beside a call: how he takes part, and who hears him. */

import { useNavigate } from "react-router";
import { useSession } from "../app/session";
import { tame, useFormats } from "../formats";
import { useKeys } from "../keyboard";
import type { IconName } from "../parts";
import { useWords } from "../words";
import styles from "./Band.module.css";
import { listeningOf, useListening, type SpyMode } from "./listening";
import { BandButton, Block, useCallerName } from "./Parts";
import type { Line } from "./phone";
import { useTold } from "./Told";

const MODES: readonly { mode: SpyMode; icon: IconName; right: "calls.listen" | "calls.whisper" | "calls.barge" }[] = [
  { mode: "listen", icon: "listening", right: "calls.listen" },
  { mode: "whisper", icon: "whisper", right: "calls.whisper" },
  { mode: "barge", icon: "barge", right: "calls.barge" },
];

export function ListeningBand({ line, skew }: { line: Line; skew: number }) {
  const t = useWords("band");
  const f = useFormats();
  const navigate = useNavigate();
  const { may } = useSession();
  const callerName = useCallerName();
  const { start, leave } = useListening();
  const told = useTold();
  const now = listeningOf(line.command);
  const call = line.call;
  const manager = tame(call?.managers.find((part) => part.user_id === line.command?.about)?.name);
  const client = call ? callerName(call) : f.phone(line.command?.number);
  const turn = (mode: SpyMode) => () => void (now && start(now.call, mode));
  const modes = MODES.filter(({ right }) => may(right));
  useKeys({
    "board.listen": may("calls.listen") ? turn("listen") : () => false,
    "board.whisper": may("calls.whisper") ? turn("whisper") : () => false,
    "board.barge": may("calls.barge") ? turn("barge") : () => false,
    "call.end": () => void leave(),
  });
  const hears = !now?.isIn ? t("listen.rings") : now.mode === "barge" ? t("listen.both") : now.mode === "whisper" ? t("listen.manager", { name: manager }) : t("listen.nobody");
  const seen = now?.isIn && now.mode === "listen" ? t("listen.unseen", { name: manager }) : "";
  return (
    <>
      <Block state="listening" since={line.since} skew={skew} />
      <div className={styles["who"]}>
        <div className={styles["name"]}>
          <b className="cut">{manager}</b>
          <span className={styles["with"]}>{t("listen.with")}</span>
          <b className="cut">{client}</b>
        </div>
        <div className={styles["under"]}>
          {told ?? (
            <span className="cut" role="status">
              {hears} {seen}
            </span>
          )}
        </div>
      </div>
      <div className={styles["acts"]}>
        <div className={styles["segments"]} role="group" aria-label={t("listen.modes")}>
          {modes.map(({ mode, icon }) => (
            <BandButton key={mode} icon={icon} act={`board.${mode}`} aria-pressed={now?.mode === mode} onClick={turn(mode)}>
              {t(`listen.${mode}`)}
            </BandButton>
          ))}
        </div>
        {call && (
          <BandButton icon="note" onClick={() => void navigate(`/calls/${call.id}`)} data-optional>
            {t("listen.remark")}
          </BandButton>
        )}
        <BandButton icon="close" act="call.end" onClick={() => void leave()}>
          {t("listen.leave")}
        </BandButton>
      </div>
    </>
  );
}
