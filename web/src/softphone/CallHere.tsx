/* A call of this page's phone, with what can be done with it. */

import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { Icon, PhoneNumber, Timer } from "../parts";
import { useWords } from "../words";
import type { PhoneCall } from "./calls";
import styles from "./Phone.module.css";
import { useSoftphone } from "./phone";

export function CallHere({ call }: { call: PhoneCall }) {
  const t = useWords("softphone");
  const { act } = useSoftphone();
  const { id } = call;
  const talks = call.state === "talking";
  return (
    <li className={styles["call"]} data-state={call.isHeld ? "held" : call.state} data-call={call.callId ?? ""}>
      <span className={styles["state"]}>{t(call.isHeld ? "state.held" : `state.${call.state}`)}</span>
      <PhoneNumber number={call.number} />
      {call.answeredAt !== null && <Timer since={call.answeredAt} />}
      <span className={styles["acts"]}>
        {call.state === "ringing" && (
          <Button color="green" leftSection={<Icon name="phone" />} onClick={() => act({ do: "answer", id })}>
            {t("answer")}
          </Button>
        )}
        {talks && (
          <>
            <Button variant="default" aria-pressed={call.isMuted} leftSection={<Icon name={call.isMuted ? "muted" : "mute"} />}
              onClick={() => act({ do: "mute", id, on: !call.isMuted })}>
              {t(call.isMuted ? "unmute" : "mute")}
            </Button>
            <Button variant="default" aria-pressed={call.isHeld} leftSection={<Icon name="hold" />}
              onClick={() => act({ do: "hold", id, on: !call.isHeld })}>
              {t(call.isHeld ? "resume" : "hold")}
            </Button>
          </>
        )}
        <Button color="red" leftSection={<Icon name="hangUp" />} onClick={() => act({ do: "hang_up", id })}>
          {t(call.state === "ringing" ? "refuse" : "end")}
        </Button>
      </span>
      {talks && <Digits id={id} />}
    </li>
  );
}

/** Keys for the other side's menu, sent as they are typed. */
function Digits({ id }: { id: string }) {
  const t = useWords("softphone");
  const { act } = useSoftphone();
  const [typed, setTyped] = useState("");
  return (
    <TextInput
      className={styles["digits"] ?? ""}
      label={t("digits")}
      value={typed}
      inputMode="tel"
      autoComplete="off"
      onChange={(event) => {
        const text = event.currentTarget.value.replace(/[^0-9*#]/g, "");
        if (text.length > typed.length && text.startsWith(typed)) act({ do: "digits", id, digits: text.slice(typed.length) });
        setTyped(text);
      }}
    />
  );
}
