/* A call that is talked in: mute, hold, transfer, digits, recording, end. */

import { useState } from "react";
import { nameOf } from "../caller/names";
import { useCaller } from "../caller/useCaller";
import { useFormats, tame } from "../formats";
import { useKeys } from "../keyboard";
import { Icon } from "../parts";
import { Tag } from "../parts/Tag";
import { useWords } from "../words";
import styles from "./Band.module.css";
import { HelpButton } from "./Help";
import { Keypad } from "./Keypad";
import { useCallOrders } from "./orders";
import { usePagePhone } from "./pagePhone";
import { BandButton, Block, Dotted, useCallerName, Who } from "./Parts";
import { at, type Line } from "./phone";
import { say } from "./store";
import { useTold } from "./Told";
import { TransferButton } from "./Transfer";

export function Talking({ line, skew }: { line: Line; skew: number }) {
  const t = useWords("band");
  const orders = useCallOrders();
  const page = usePagePhone();
  const [isTransferring, setTransferring] = useState(false);
  const call = line.call;
  const { held, asking, paused, waits } = line.controls;
  const id = call?.id ?? line.id;
  const isRecorded = useCaller(call?.id).data?.recorded;
  const hold = () => void (held ? orders.resume(id) : orders.hold(id));
  const end = () => {
    if (page?.isTalking) page.hangUp();
    else void orders.hangUp(id);
  };
  const mute = () => {
    if (page?.isTalking) page.mute(!page.isMuted);
    else say(t("mute.desk"), false);
  };
  useKeys({ "call.mute": mute, "call.hold": hold, "call.transfer": () => setTransferring(true), "call.end": end });
  const isWaiting = waits !== null;
  return (
    <>
      <Block state={held ? "hold" : "talking"} since={(held && at(call?.held_since)) || line.since} skew={skew} />
      <Partner line={line} />
      <div className={styles["acts"]}>
        {asking !== null ? (
          <>
            <BandButton icon="transfer" look="main" disabled={isWaiting} onClick={() => void orders.join(id)}>
              {t("asking.join")}
            </BandButton>
            <BandButton icon="undo" disabled={isWaiting} onClick={() => void orders.goBack(id)}>
              {t("asking.back")}
            </BandButton>
          </>
        ) : (
          <>
            {page?.isTalking && (
              <BandButton icon={page.isMuted ? "muted" : "mute"} act="call.mute" aria-pressed={page.isMuted} onClick={mute} data-optional>
                {t(page.isMuted ? "unmute" : "mute")}
              </BandButton>
            )}
            <BandButton icon="hold" act="call.hold" aria-pressed={held} disabled={isWaiting} onClick={hold} data-optional>
              {t(held ? "resume" : "hold")}
            </BandButton>
            {call && <TransferButton call={call} word={t("transfer")} isOpen={isTransferring} onOpen={setTransferring} />}
            <Keypad call={id} />
            {isRecorded !== false && (
              <BandButton
                icon="record"
                isIcon
                aria-pressed={paused}
                aria-label={t(paused ? "recording.resume" : "recording.pause")}
                title={t(paused ? "recording.resume" : "recording.pause")}
                onClick={() => void (paused ? orders.resumeRecording(id) : orders.pauseRecording(id))}
              />
            )}
            <HelpButton call={id} />
          </>
        )}
        <BandButton icon="hangUp" look="stop" act="call.end" onClick={end}>
          {t("end")}
        </BandButton>
      </div>
    </>
  );
}

function Partner({ line }: { line: Line }) {
  const t = useWords("band");
  const f = useFormats();
  const callerName = useCallerName();
  const told = useTold();
  const call = line.call;
  const caller = useCaller(call?.id).data;
  const isRecorded = caller?.recorded ?? null;
  const person = caller?.people.length === 1 ? caller.people[0] : undefined;
  const known = call ? nameOf(call) : null;
  const { asking, paused } = line.controls;
  const did = caller?.line ? tame(caller.line.name) || caller.line.source_name || f.phone(caller.line.did) : call?.did ? f.phone(call.did) : null;
  const contact = call?.contact_id ?? line.command?.contact_id;
  const to = contact ? `/clients/${contact}` : undefined;
  return (
    <Who name={call ? callerName(call) : f.phone(line.command?.number)} to={to} heat={person?.heat}>
      {told ??
        (asking !== null ? (
          <span className="cut">{t("asking", { name: asking })}</span>
        ) : (
          <>
            <Dotted>{[known?.kind !== "number" && f.phone(call?.client.number), did && t("line", { line: did })]}</Dotted>
            {paused ? (
              <Tag tone="warn" icon="pause">
                {t("recording.paused")}
              </Tag>
            ) : (
              isRecorded !== null && (
                <span className={styles["recording"]} data-off={!isRecorded || undefined}>
                  <Icon name="record" size={14} />
                  {t(isRecorded ? "recording" : "recording.not")}
                </span>
              )
            )}
          </>
        ))}
    </Who>
  );
}
