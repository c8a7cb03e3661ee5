/* The phone of the page: whether calls come here, those that are here, microphone and loudspeakers. */

import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { Icon, PageHeader, Panel, type IconName } from "../parts";
import { useWords } from "../words";
import { CallHere } from "./CallHere";
import styles from "./Phone.module.css";
import { useSoftphone, type Line, type PhoneState } from "./phone";
import { SoundSettings } from "./SoundSettings";

const ICONS: Readonly<Record<Line, IconName>> = {
  off: "off",
  unavailable: "off",
  elsewhere: "phone",
  connecting: "phone",
  ready: "free",
  away: "offline",
  taken: "transfer",
};

export default function PhonePage() {
  const t = useWords("softphone");
  const { state } = useSoftphone();
  return (
    <>
      <PageHeader title={t("title")} />
      <div className={styles["page"]}>
        <Panel title={t("line")} isPadded>
          <PhoneLine state={state} />
        </Panel>
        {state.calls.length > 0 && (
          <Panel title={t("calls")}>
            <ul className={styles["calls"]}>
              {state.calls.map((call) => (
                <CallHere key={call.id} call={call} />
              ))}
            </ul>
          </Panel>
        )}
        <Panel title={t("devices")} isPadded>
          <SoundSettings />
        </Panel>
      </div>
    </>
  );
}

function PhoneLine({ state }: { state: PhoneState }) {
  const t = useWords("softphone");
  const { act } = useSoftphone();
  const unavailable = state.engine === "exchange" ? t("line.exchange", { extension: state.extension ?? "" }) : t("line.none");
  return (
    <>
      <p className={styles["line"]} role="status" data-line={state.line}>
        <Icon name={ICONS[state.line]} />
        {state.line === "unavailable" ? unavailable : t(`line.${state.line}`, { extension: state.extension ?? "" })}
      </p>
      {state.microphone && <p className={styles["said"]}>{t(`microphone.${state.microphone}`)}</p>}
      {state.line === "taken" && <Button onClick={() => act({ do: "take_over" })}>{t("take_over")}</Button>}
      {state.line === "ready" && <Dial />}
    </>
  );
}

function Dial() {
  const t = useWords("softphone");
  const { act } = useSoftphone();
  const [number, setNumber] = useState("");
  const dialled = number.replace(/[^0-9+*#]/g, "");
  return (
    <form
      className={styles["dial"]}
      onSubmit={(event) => {
        event.preventDefault();
        if (dialled) act({ do: "dial", number: dialled });
      }}
    >
      <TextInput label={t("number")} value={number} inputMode="tel" autoComplete="off" onChange={(event) => setNumber(event.currentTarget.value)} />
      <Button type="submit" leftSection={<Icon name="outgoing" />} disabled={!dialled}>
        {t("dial")}
      </Button>
    </form>
  );
}
