/* A call that was placed: his phone rings, then the client's; and how it came out where they did not talk. */

import { useFormats, tame } from "../formats";
import { useKeys } from "../keyboard";
import { useWords } from "../words";
import { usePlacing, useNotPlaced, forgetNotPlaced } from "../dial/placing";
import { VerdictLine } from "../dial/VerdictLine";
import { useVerdict } from "../dial/useVerdict";
import styles from "./Band.module.css";
import { wordOf } from "./faults";
import { useCallOrders } from "./orders";
import { BandButton, Block, useCallerName, Who } from "./Parts";
import type { Command, Line } from "./phone";
import { useTold } from "./Told";
import { usePagePhone } from "./pagePhone";
import { useContactName } from "./useContactName";

export function Placed({ line, skew }: { line: Line; skew: number }) {
  const t = useWords("band");
  const f = useFormats();
  const orders = useCallOrders();
  const page = usePagePhone();
  const callerName = useCallerName();
  const told = useTold();
  const { call, command } = line;
  const known = useContactName(call?.contact_name ? null : command?.contact_id);
  const name = call?.contact_name ? callerName(call) : known || f.phone(command?.number ?? call?.client.number);
  const contact = call?.contact_id ?? command?.contact_id;
  const cancel = () => void (command ? orders.cancel(command.id) : orders.hangUp(line.id));
  const isMyTurn = command?.state === "accepted" && page?.isRinging === true;
  useKeys({ "call.end": cancel, "call.answer": () => (isMyTurn ? page.answer() : false) });
  const number = f.phone(command?.number ?? call?.client.number);
  return (
    <>
      <Block state="dialling" since={line.since} skew={skew} />
      <Who name={name} to={contact ? `/clients/${contact}` : undefined}>
        {told ?? (
          <span className="cut" role="status">
            {[name === number ? null : number, wordOfState(command?.state, t)].filter(Boolean).join(" · ")}
          </span>
        )}
      </Who>
      <div className={styles["acts"]}>
        {isMyTurn && (
          <BandButton icon="phone" look="go" act="call.answer" onClick={() => page.answer()}>
            {t("answer")}
          </BandButton>
        )}
        <BandButton icon="hangUp" look="stop" act="call.end" onClick={cancel}>
          {t("placed.cancel")}
        </BandButton>
      </div>
    </>
  );
}

type T = ReturnType<typeof useWords<"band">>;

function wordOfState(state: Command["state"] | undefined, t: T): string {
  if (state === "accepted") return t("placed.accepted");
  if (state === "stored" || state === "sent") return t("placed.sent");
  return t("placed.dialled");
}

/** A placed call that came to nothing, or that could not be placed. */
export function Failure({ command, onClose }: { command: Command; onClose: () => void }) {
  const t = useWords("band");
  const f = useFormats();
  const place = usePlacing();
  const name = useContactName(command.contact_id);
  const word = command.state === "unknown" ? null : wordOf(command.reason);
  const why = command.state === "unknown" ? t("placed.unknown") : t(`fault.${word ?? "failed"}`);
  const again = () => {
    onClose();
    if (command.number) void place({ number: command.number });
  };
  return (
    <>
      <Block state="missed" since={null} skew={0} />
      <Who name={name || f.phone(command.number)} to={command.contact_id ? `/clients/${command.contact_id}` : undefined}>
        <span className={`${styles["word"]} cut`} role="status" data-fault>
          {why}
        </span>
      </Who>
      <div className={styles["acts"]}>
        <BandButton icon="phone" onClick={again}>
          {t("placed.again")}
        </BandButton>
        <BandButton icon="close" isIcon aria-label={t("placed.close")} onClick={onClose} />
      </div>
    </>
  );
}

/** A call that the gateway would not place: why, who may allow it, or all the same. */
export function Refused() {
  const t = useWords("band");
  const f = useFormats();
  const refused = useNotPlaced();
  const place = usePlacing();
  const name = useContactName(refused?.wish.contact);
  const verdict = useVerdict(refused?.word && !refused.canAnyway ? refused.wish.number : null);
  if (!refused) return null;
  return (
    <>
      <Block state="missed" since={null} skew={0} />
      <Who name={tame(name) || f.phone(refused.wish.number)}>
        {verdict && !verdict.allowed ? (
          <VerdictLine verdict={verdict} />
        ) : (
          <span className={`${styles["word"]} cut`} role="status" data-fault title={refused.detail}>
            {refused.word ? t(`fault.${refused.word}`) : refused.detail}
          </span>
        )}
      </Who>
      <div className={styles["acts"]}>
        {refused.canAnyway && (
          <BandButton icon="phone" onClick={() => void place(refused.wish, true)}>
            {t("dial.anyway")}
          </BandButton>
        )}
        <BandButton icon="close" isIcon aria-label={t("placed.close")} onClick={forgetNotPlaced} />
      </div>
    </>
  );
}
