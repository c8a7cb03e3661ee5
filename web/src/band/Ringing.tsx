/* A call that rings: who it is, what he wants, who else rings, and what can be done. */

import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { api, body, useAct, type LiveCall } from "../api";
import { useLeadingTab } from "../app/tabs";
import { usePreference } from "../app/preferences";
import { choicesOf, nameOf } from "../caller/names";
import { useCaller, type Caller } from "../caller/useCaller";
import { useFormats, tame } from "../formats";
import { useKeyOf, useKeys } from "../keyboard";
import { Key } from "../parts";
import { useWords } from "../words";
import styles from "./Band.module.css";
import { notify } from "./notice";
import { useCallOrders, useFaultWords } from "./orders";
import { usePagePhone } from "./pagePhone";
import { BandButton, Block, Dotted, useCallerName, Who } from "./Parts";
import type { Line } from "./phone";
import { flashTitle, RING, ring, type RingChoice } from "./ring";
import { look, say } from "./store";
import { useTold } from "./Told";
import { TransferButton } from "./Transfer";

export function Ringing({ line, skew }: { line: Line; skew: number }) {
  const t = useWords("band");
  const call = line.call;
  const orders = useCallOrders();
  const page = usePagePhone();
  const callerName = useCallerName();
  const caller = useCaller(call?.id).data;
  const refuse = () => {
    if (page?.isRinging) page.hangUp();
    else if (call) void orders.hangUp(call.id);
  };
  const canAnswer = page?.isRinging === true;
  const [isPassing, setPassing] = useState(false);
  useKeys({ "call.answer": () => (canAnswer ? page.answer() : false), "call.end": refuse, "call.transfer": () => setPassing(true) });
  if (!call) return null;
  return (
    <>
      <Block state="ringing" since={line.since} skew={skew} />
      <Caught call={call} caller={caller} name={callerName(call)} />
      <Context caller={caller} />
      <div className={styles["acts"]}>
        {canAnswer ? (
          <BandButton icon="phone" look="go" act="call.answer" onClick={() => page.answer()}>
            {t("answer")}
          </BandButton>
        ) : (
          <span className={styles["desk"]}>{t("answer.desk")}</span>
        )}
        <TransferButton call={call} isPassing word={t("passOn")} isOpen={isPassing} onOpen={setPassing} />
        <BandButton icon="hangUp" look="stop" isIcon aria-label={t("refuse")} onClick={refuse} />
      </div>
      <Rung call={call} caller={caller} name={callerName(call)} canAnswer={canAnswer} />
    </>
  );
}

/** Organisation, number and line of who calls, as far as they are known. */
function useAbout(call: LiveCall, caller: Caller | undefined): readonly (string | false | null | undefined)[] {
  const t = useWords("band");
  const f = useFormats();
  const person = caller?.people.length === 1 ? caller.people[0] : undefined;
  const line = caller?.line ? tame(caller.line.name) || caller.line.source_name || f.phone(caller.line.did) : call.did ? f.phone(call.did) : null;
  return [
    person?.organisation && tame(person.organisation.name),
    nameOf(call).kind !== "number" && (call.client.number ? f.phone(call.client.number) : t("anonymous")),
    line && t("line", { line }),
  ];
}

/** Name, organisation, number and line; or who of several it is. */
function Caught({ call, caller, name }: { call: LiveCall; caller: Caller | undefined; name: string }) {
  const told = useTold();
  const person = caller?.people.length === 1 ? caller.people[0] : undefined;
  const choices = choicesOf(call);
  const about = useAbout(call, caller);
  return (
    <Who name={name} to={call.contact_id === null ? undefined : `/clients/${call.contact_id}`} heat={person?.heat}>
      {told ??
        (choices.length > 1 ? (
          <Choices call={call} />
        ) : (
          <Dotted>{about}</Dotted>
        ))}
    </Who>
  );
}

/** Several share the number: keys 1 to 3 (up to 9), or none of them. */
function Choices({ call }: { call: LiveCall }) {
  const t = useWords("band");
  const choices = choicesOf(call);
  const navigate = useNavigate();
  const faultWords = useFaultWords();
  const choose = useAct(
    (contact: number) =>
      body(api.PATCH("/api/v1/calls/{call_id}", { params: { path: { call_id: call.id } }, body: { contact } })),
    { onDone: (_, contact) => void navigate(`/clients/${contact}`), onFault: (fault) => say(faultWords(fault)) },
  );
  const by = (at: number) => () => {
    const chosen = choices[at];
    return chosen ? choose.run(chosen.contact) : false;
  };
  useKeys({ "outcome.1": by(0), "outcome.2": by(1), "outcome.3": by(2), "outcome.4": by(3), "outcome.5": by(4), "outcome.6": by(5), "outcome.7": by(6), "outcome.8": by(7), "outcome.9": by(8) }); // prettier-ignore
  return (
    <span className={styles["choices"]} role="group" aria-label={t("several.which")}>
      {choices.map((choice) => (
        <button key={choice.contact} type="button" className={styles["choice"]} onClick={() => choose.run(choice.contact)}>
          <Key>{choice.digit}</Key>
          <span className="cut">{choice.organisation ? `${choice.name}, ${choice.organisation}` : choice.name}</span>
        </button>
      ))}
      <button type="button" className={styles["choice"]} onClick={() => void navigate(`/clients?new=${encodeURIComponent(call.client.number ?? "")}&call=${call.id}`)}>
        {t("several.none")}
      </button>
    </span>
  );
}

function Context({ caller }: { caller: Caller | undefined }) {
  const t = useWords("band");
  const f = useFormats();
  if (!caller) return null;
  const person = caller.people.length === 1 ? caller.people[0] : undefined;
  const wants = caller.wants;
  const what = wants ? tame(wants.title) || t(`wants.${wordOfTask(wants.kind, wants.origin)}`) : null;
  const whose = person && (person.yours ? t("yours") : person.owner ? t("owner", { name: tame(person.owner.name) }) : t("nobodys"));
  const also = caller.ringing.length > 0 ? t("alsoRings", { names: caller.ringing.map((one) => tame(one.name)).join(", ") }) : null;
  if (!what && !whose && !also) return null;
  return (
    <div className={styles["context"]}>
      {what && wants && (
        <span className="cut">
          <b>{t("wants")}</b> {wants.due_at ? t("wants.due", { what, when: f.moment(wants.due_at) }) : what}
        </span>
      )}
      <span className="cut">{[whose, also].filter(Boolean).join(" ")}</span>
    </div>
  );
}

function wordOfTask(kind: string, origin: string): "call" | "callBack" | "letter" | "meeting" {
  if (origin === "missed") return "callBack";
  return kind === "letter" || kind === "meeting" ? kind : "call";
}

/** The sentence that is said once, the sound, the flashing title and the notice of the computer. */
function Rung({ call, caller, name, canAnswer }: { call: LiveCall; caller: Caller | undefined; name: string; canAnswer: boolean }) {
  const t = useWords("band");
  const leads = useLeadingTab("ring");
  const [choice] = usePreference<RingChoice>("ring", RING);
  const key = useKeyOf("call.answer").join("");
  // The phone in the page rings by itself; for one on the desk the page rings where its user wants it.
  const isLoud = leads && !canAnswer && choice.sound;
  useEffect(() => (isLoud ? ring(choice.volume) : undefined), [isLoud, choice.volume, call.id]);
  useEffect(() => (choice.flash ? flashTitle(name) : undefined), [choice.flash, name]);
  const text = useAbout(call, caller).filter(Boolean).join(" \u00b7 ");
  const isNoticed = leads && choice.notice === true;
  useEffect(() => (isNoticed ? notify(name, text, call.id) : undefined), [isNoticed, name, text, call.id]);
  return (
    <span className="unseen" role="alert">
      {canAnswer ? t("incoming", { name, key }) : t("incoming.desk", { name })}
    </span>
  );
}

/** Another call of his, beside the one that is shown. */
export function Chip({ line }: { line: Line }) {
  const t = useWords("band");
  const callerName = useCallerName();
  const state = line.kind === "talking" && line.controls.held ? "hold" : line.kind;
  const name = line.call ? callerName(line.call) : "";
  return (
    <button type="button" className={styles["chip"]} data-state={state} onClick={() => look(line.id)} aria-label={t("chip", { state: t(`state.${state}`), name })}>
      <span>{t(`state.${state}`)}</span>
      <span className="cut">{name}</span>
    </button>
  );
}
