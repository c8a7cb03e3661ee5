/* The phone's one place: a band above every page, always of the same height. A call fills it; nothing opens over the
   work, nothing moves, the focus stays where it is. */

import { Suspense, useEffect, useState } from "react";
import { useIsDialOpen } from "../dial/opener";
import { useDialEverywhere, useNotPlaced } from "../dial/placing";
import { useWords } from "../words";
import { useRememberCalls } from "../wrapup/recent";
import { After } from "./After";
import { Away, useIsAway } from "./Away";
import styles from "./Band.module.css";
import { usePhoneKeeper } from "./keeper";
import { ListeningBand } from "./ListeningBand";
import { useCallerName } from "./Parts";
import { usePassedOn } from "./passed";
import type { Command, Line, Phone } from "./phone";
import { Failure, Placed, Refused } from "./Placed";
import { useFailedCall } from "./failed";
import { RestBand } from "./RestBand";
import { Chip, Ringing } from "./Ringing";
import { Talking } from "./Talking";
import { late } from "../parts/late";

const DialSheet = late(() => import("../dial/DialSheet"));

export function Band() {
  const t = useWords("band");
  const { phone, skew, commands } = usePhoneKeeper();
  useDialEverywhere();
  useRememberCalls(phone.shown);
  usePassedOn();
  const isAway = useIsAway();
  const refused = useNotPlaced();
  const isDialOpen = useIsDialOpen();
  const [failed, close] = useFailedCall(commands, skew);
  const state = stateOf(phone, isAway, refused !== null || failed !== null);
  return (
    <section className={styles["band"]} aria-label={t("region")} data-state={state}>
      <Shown phone={phone} skew={skew} isAway={isAway} isRefused={refused !== null} failed={failed} close={close} />
      {phone.others.length > 0 && (
        <div className={styles["chips"]} role="group" aria-label={t("chips")}>
          {phone.others.map((line) => (
            <Chip key={line.id} line={line} />
          ))}
        </div>
      )}
      <Status line={phone.shown} />
      {isDialOpen && (
        <Suspense>
          <DialSheet />
        </Suspense>
      )}
    </section>
  );
}

interface ShownProps {
  phone: Phone;
  skew: number;
  isAway: boolean;
  isRefused: boolean;
  failed: Command | null;
  close: () => void;
}

function Shown({ phone, skew, isAway, isRefused, failed, close }: ShownProps) {
  const line = phone.shown;
  if (line) return <OneLine key={line.id} line={line} skew={skew} />;
  if (isAway) return <Away />;
  if (isRefused) return <Refused />;
  if (failed) return <Failure command={failed} onClose={close} />;
  if (phone.rest.kind === "after" && phone.rest.call) return <After key={phone.rest.call} rest={phone.rest} skew={skew} />;
  return <RestBand rest={phone.rest} skew={skew} />;
}

function OneLine({ line, skew }: { line: Line; skew: number }) {
  switch (line.kind) {
    case "ringing":
      return <Ringing line={line} skew={skew} />;
    case "dialling":
      return <Placed line={line} skew={skew} />;
    case "talking":
      return <Talking line={line} skew={skew} />;
    case "listening":
      return <ListeningBand line={line} skew={skew} />;
  }
}

function stateOf(phone: Phone, isAway: boolean, isTold: boolean): string {
  const line = phone.shown;
  if (line) return line.kind === "talking" && line.controls.held ? "hold" : line.kind;
  if (isAway) return "offline";
  if (isTold) return "told";
  return phone.rest.kind === "after" && phone.rest.call ? "after" : "rest";
}

/** Says a new state once, politely; a ringing call says itself (role alert). */
function Status({ line }: { line: Line | null }) {
  const t = useWords("band");
  const callerName = useCallerName();
  const [text, setText] = useState("");
  const name = line?.call ? callerName(line.call) : "";
  const state = line === null ? null : line.kind === "talking" && line.controls.held ? "hold" : line.kind;
  const next = state === null || state === "ringing" ? "" : t("status", { state: t(`state.${state}`), name });
  useEffect(() => setText(next), [next]);
  return (
    <span className="unseen" role="status">
      {text}
    </span>
  );
}

export { useListening, type Listening, type SpyMode } from "./listening";
export { offerPagePhone, usePagePhone, type PagePhone } from "./pagePhone";
export { useIsOnTheLine, usePhone, usePhonePart } from "./store";
