/* Whom a call goes to: colleagues with how they are now, or any number. */

import { TextInput } from "@mantine/core";
import { useId, useMemo, useState } from "react";
import { api, body, useQuery, type LiveCall, type Schemas } from "../api";
import { useSession } from "../app/session";
import { dialable, tame, useFormats } from "../formats";
import { Icon, KeyOf } from "../parts";
import { StateWord, type PhoneState } from "../parts/StateWord";
import { useWords } from "../words";
import { found, type Colleague } from "./colleagues";
import { useCallOrders, type Target } from "./orders";
import { focusOnce } from "./focus";
import { followPassed, say } from "./store";
import styles from "./Transfer.module.css";

function useColleagues() {
  const me = useSession().userId;
  return useQuery({
    queryKey: ["states", "view", "colleagues"],
    queryFn: async () => (await body(api.GET("/api/v1/colleagues"))).items.filter((colleague) => colleague.id !== me),
    staleTime: 2000,
  });
}

export default function TransferPicker({ call, isPassing, onDone }: { call: LiveCall; isPassing: boolean; onDone: () => void }) {
  const t = useWords("band");
  const f = useFormats();
  const id = useId();
  const orders = useCallOrders();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const colleagues = useColleagues().data;
  const number = dialable(text);
  const people = useMemo(() => found(colleagues ?? [], text, f.byName), [colleagues, text, f]);
  const rows: readonly (Colleague | string)[] = number && !people.some((one) => one.extensions.includes(number)) ? [...people, number] : people;
  const chosen = rows[Math.min(at, rows.length - 1)];
  const send = async (target: Colleague | string, ask: boolean) => {
    onDone();
    const to: Target = typeof target === "string" ? { number: target } : { user: target.id };
    if (isPassing) {
      const name = typeof target === "string" ? f.phone(target) : tame(target.name);
      if (await orders.passOn(call.id, to)) {
        say(t("done.passOn", { name }), false);
        followPassed(call.id, name);
      }
    } else if (ask) await orders.consult(call.id, to);
    else if (await orders.transfer(call.id, to)) say(t("done.transfer"), false);
  };
  const key = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(rows.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else if (event.key === "Enter" && chosen !== undefined) void send(chosen, event.shiftKey && !isPassing);
    else return;
    event.preventDefault();
  };
  return (
    <div className={styles["picker"]}>
      <TextInput
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={key}
        placeholder={t("transfer.search")}
        aria-label={t("transfer.search")}
        leftSection={<Icon name="search" size={14} />}
        rightSection={<KeyOf act="call.transfer" />}
        aria-controls={id}
        ref={focusOnce}
        className={styles["search"] ?? ""}
      />
      <span className="unseen" role="status">
        {chosen === undefined ? t("transfer.nobody") : typeof chosen === "string" ? chosen : tame(chosen.name)}
      </span>
      <ul id={id} aria-label={t("transfer.title")} className={styles["list"]}>
        {rows.length === 0 && <li className={styles["nobody"]}>{t("transfer.nobody")}</li>}
        {rows.map((row, place) => (
          <li
            key={typeof row === "string" ? row : row.id}
            data-chosen={row === chosen || undefined}
            className={styles["row"]}
            onPointerMove={() => setAt(place)}
          >
            {typeof row === "string" ? <b className="cut">{t("transfer.number", { number: f.phone(row) })}</b> : <Person who={row} />}
            <span className={styles["acts"]}>
              <button type="button" onClick={() => void send(row, false)}>
                {t(isPassing ? "passOn" : "transfer.now")}
              </button>
              {!isPassing && (
                <button type="button" onClick={() => void send(row, true)}>
                  {t("transfer.ask")}
                </button>
              )}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Person({ who }: { who: Schemas["ColleagueView"] }) {
  const t = useWords("band");
  return (
    <span className={styles["person"]}>
      <b className="cut">{tame(who.name)}</b>
      <span className={styles["how"]}>
        {who.extensions.length === 0 ? <span className="dim">{t("transfer.noPhone")}</span> : <StateWord state={stateOf(who)} size={14} />}
        <small className="cut">{[who.extensions[0], ...who.teams.map(tame)].filter(Boolean).join(" · ")}</small>
      </span>
    </span>
  );
}

function stateOf(who: Schemas["ColleagueView"]): PhoneState {
  if (who.ringing) return "ringing";
  const states = { available: "free", talking: "talking", after_call: "after", break: "break", off: "off" } as const;
  return states[who.state];
}
