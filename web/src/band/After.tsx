/* The time after a call: what it was, how long one is still left alone, and Save and next. */

import { useNavigate } from "react-router";
import { api, body, keys, useQuery, useQueryClient, type Schemas } from "../api";
import { useCaller } from "../caller/useCaller";
import { usePlacing } from "../dial/placing";
import { useFormats, duration } from "../formats";
import { useKeys } from "../keyboard";
import { useSecond } from "../parts";
import { afterClock } from "../wrapup/clocks";
import { useIsPanelShown } from "../wrapup/open";
import { useRememberEnded } from "../wrapup/recent";
import { useAfterCall } from "../wrapup/useAfterCall";
import { useWrapUp } from "../wrapup/useWrapUp";
import { useWords } from "../words";
import styles from "./Band.module.css";
import { BandButton, Block, Dotted, useCallerName, Who } from "./Parts";
import type { Rest } from "./phone";
import { Word } from "./Told";
import { usePhonePart } from "./store";

type Ended = Schemas["CallView"];

export function After({ rest, skew }: { rest: Rest; skew: number }) {
  const t = useWords("band");
  const navigate = useNavigate();
  const client = useQueryClient();
  const callerName = useCallerName();
  const place = usePlacing();
  const call = useEnded(rest.call);
  const person = useCaller(rest.call).data?.people;
  const wrap = useWrapUp(rest.call);
  const { more, later, saveAndNext } = useAfterCall(wrap);
  const isShown = useIsPanelShown(rest.call);
  useRememberEnded(rest.call, call?.contact_id ?? null, wrap.saved?.wants.length === 0);
  const word = usePhonePart((view) => view.word);
  const number = call?.client.number;
  const toCard = call ? placeOf(call) : undefined;
  // A quick hand asks before the call is here: it is waited for, so that the way leads to the client's card.
  const give = async () => {
    const ended = call ?? (rest.call ? await client.query(endedQuery(rest.call)).catch(() => null) : null);
    if (ended) void navigate(placeOf(ended));
  };
  const canSave = wrap.outcome !== null && wrap.lacks.length === 0;
  useKeys({ "outcome.save": () => (canSave ? void saveAndNext() : void give()) }, !isShown);
  return (
    <>
      <Block state="after" since={rest.since} skew={skew} />
      <Who name={call ? callerName(call) : (person?.[0]?.name || "\u00a0")} to={toCard} heat={person?.length === 1 ? person[0]?.heat : null}>
        {word ? <Word /> : call && <Told call={call} />}
      </Who>
      <div className={styles["acts"]}>
        {rest.endsAt !== null && <Left until={rest.endsAt} skew={skew} />}
        <BandButton icon="clock" disabled={rest.endsAt === null} onClick={() => void more(rest.endsAt, Date.now() + skew)} data-optional>
          {t("after.more")}
        </BandButton>
        {number && (
          <BandButton icon="phone" onClick={() => void place({ number, contact: call.contact_id ?? undefined })} data-optional>
            {t("after.again")}
          </BandButton>
        )}
        {canSave || isShown ? (
          <BandButton look="main" act="outcome.save" disabled={!canSave || wrap.isSaving} onClick={() => void saveAndNext()}>
            {t("after.save")}
          </BandButton>
        ) : wrap.saved ? (
          <BandButton look="main" onClick={() => void later()}>
            {t("after.close")}
          </BandButton>
        ) : (
          <BandButton look="main" act="outcome.save" onClick={() => void give()}>
            {t("after.outcome")}
          </BandButton>
        )}
      </div>
    </>
  );
}

/** How a call that is over is asked for. */
function endedQuery(call: string) {
  return {
    queryKey: keys.one("calls", call),
    queryFn: () => body(api.GET("/api/v1/calls/{call_id}", { params: { path: { call_id: call } } })),
  };
}

/** A call that is over, as the gateway has it. */
function useEnded(call: string | null): Ended | undefined {
  return useQuery({ ...endedQuery(call ?? ""), enabled: call !== null }).data;
}

/** Where the outcome of a call is given. */
function placeOf(call: Ended): string {
  return call.contact_id ? `/clients/${call.contact_id}` : `/calls/${call.id}`;
}

function Told({ call }: { call: Ended }) {
  const t = useWords("band");
  const end = call.hung_up_by === "client" ? t("after.they") : call.hung_up_by === "manager" ? t("after.we") : null;
  const recording = call.recording;
  const isStored = recording?.state === "stored" || recording?.state === "archived";
  const text = recording?.transcript_state === "ready" ? t("after.textReady") : (recording?.transcript_state === "wanted" || recording?.transcript_state === "claimed") ? t("after.text") : null;
  return (
    <Dotted>{[call.talk_seconds > 0 ? t("after.talked", { length: duration(call.talk_seconds) }) : t("after.noTalk"), end, isStored && t("after.recorded"), text]}</Dotted>
  );
}

/** "Free again in 0:36", each second. */
function Left({ until, skew }: { until: number; skew: number }) {
  const t = useWords("band");
  const f = useFormats();
  const { left } = afterClock(0, until, useSecond() + skew);
  return (
    <span className={styles["quiet"]} role="timer" aria-live="off">
      {t("after.free", { length: f.duration(left) })}
    </span>
  );
}
