/* Which microphone, loudspeaker and ringing; of this browser, used at once, also in a call that goes on. */

import { Button, Select, Slider, Switch } from "@mantine/core";
import { useSyncExternalStore } from "react";
import { keys, useQuery, useQueryClient } from "../api";
import { useEffect } from "react";
import { Icon } from "../parts";
import { useWords } from "../words";
import { MicrophoneTest } from "./MicrophoneTest";
import styles from "./Phone.module.css";
import { ringOnce } from "./ring";
import { chooseSound, hasMedia, listDevices, NO_DEVICES, onDevices, onSoundChoice, soundChoice } from "./sound";

const DEVICES = keys.one("profile", "devices");

function useDevices() {
  const client = useQueryClient();
  const { data } = useQuery({ queryKey: DEVICES, queryFn: listDevices });
  useEffect(() => onDevices(() => void client.invalidateQueries({ queryKey: DEVICES })), [client]);
  return { devices: data ?? NO_DEVICES, ask: () => void askNames().then(() => client.invalidateQueries({ queryKey: DEVICES })) };
}

/** A browser tells the names of devices once a page had the microphone. */
async function askNames(): Promise<void> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) track.stop();
  } catch (fault) {
    if (!(fault instanceof DOMException)) throw fault; // refused: the names stay unknown, and the test says so
  }
}

export function SoundSettings() {
  const t = useWords("softphone");
  const { devices, ask } = useDevices();
  const chosen = useSyncExternalStore(onSoundChoice, soundChoice);
  if (!hasMedia()) return <p className={styles["said"]}>{t("insecure")}</p>;
  const named = (list: readonly MediaDeviceInfo[]) => [
    { value: "", label: t("device.own") },
    ...list
      .filter(({ deviceId }) => deviceId !== "default" && deviceId !== "communications")
      .map(({ deviceId, label }, at) => ({ value: deviceId, label: label || t("device.unnamed", { number: at + 1 }) })),
  ];
  const speakers = named(devices.speakers);
  return (
    <div className={styles["sound"]}>
      {!devices.isNamed && (
        <Button variant="default" onClick={ask}>
          {t("device.ask")}
        </Button>
      )}
      <Select label={t("microphone")} data={named(devices.microphones)} value={chosen.microphone} allowDeselect={false}
        onChange={(microphone) => chooseSound({ microphone: microphone ?? "" })} />
      <MicrophoneTest />
      <Select label={t("speaker")} data={speakers} value={chosen.speaker} allowDeselect={false}
        onChange={(speaker) => chooseSound({ speaker: speaker ?? "" })} />
      <Select label={t("ringer")} data={speakers} value={chosen.ringer} allowDeselect={false}
        onChange={(ringer) => chooseSound({ ringer: ringer ?? "" })} />
      <div className={styles["volume"]}>
        <span id="ring-volume">{t("volume")}</span>
        <Slider thumbProps={{ "aria-labelledby": "ring-volume" }} min={0} max={1} step={0.05} value={chosen.ringVolume}
          label={null} onChange={(ringVolume) => chooseSound({ ringVolume })} />
        <Button variant="default" leftSection={<Icon name="speaker" />}
          onClick={() => ringOnce(chosen.ringVolume, chosen.ringer)}>
          {t("ring")}
        </Button>
      </div>
      <Switch label={t("cleaned")} description={t("cleaned.why")} checked={chosen.isCleaned}
        onChange={(event) => chooseSound({ isCleaned: event.currentTarget.checked })} />
    </div>
  );
}
