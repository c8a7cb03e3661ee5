/* What the menu of one's state offers, and the ring of this page; loaded with the menu. */

import { Menu, Slider, Switch } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";
import { usePreference } from "../app/preferences";
import { Icon } from "../parts";
import { useWords } from "../words";
import { askPermission, permission } from "./notice";
import { usePagePhone } from "./pagePhone";
import { RING, ring, type RingChoice } from "./ring";
import menu from "./StateMenu.module.css";

export interface StateChoice {
  state: "available" | "break" | "off";
  reason?: string;
}

export interface StateItemsProps {
  reasons: readonly { id: number; key: string; name: string }[];
  choose: (choice: StateChoice) => void;
}

export default function StateItems({ reasons, choose }: StateItemsProps) {
  const t = useWords("band");
  const page = usePagePhone();
  return (
    <>
      <Menu.Item leftSection={<Icon name="free" />} onClick={() => choose({ state: "available" })}>
        {t("menu.free")}
      </Menu.Item>
      {reasons.length === 0 && (
        <Menu.Item leftSection={<Icon name="break" />} onClick={() => choose({ state: "break" })}>
          {t("menu.break")}
        </Menu.Item>
      )}
      {reasons.map((reason) => (
        <Menu.Item key={reason.id} leftSection={<Icon name="break" />} onClick={() => choose({ state: "break", reason: reason.key })}>
          {reason.name}
        </Menu.Item>
      ))}
      <Menu.Item leftSection={<Icon name="off" />} onClick={() => choose({ state: "off" })}>
        {t("menu.off")}
      </Menu.Item>
      <Menu.Divider />
      {page !== null && (
        <Menu.Item component={Link} to="/phone" leftSection={<Icon name="speaker" />}>
          {t("menu.sound")}
        </Menu.Item>
      )}
      <RingSettings />
    </>
  );
}

function RingSettings() {
  const t = useWords("band");
  const page = usePagePhone();
  const [choice, choose] = usePreference<RingChoice>("ring", RING);
  return (
    <div className={menu["ring"]}>
      {page === null && <Loud choice={choice} choose={choose} />}
      <Switch size="xs" label={t("menu.flash")} checked={choice.flash} onChange={(event) => choose({ ...choice, flash: event.currentTarget.checked })} />
      <Notice choice={choice} choose={choose} />
    </div>
  );
}

/** Notices of the computer: wanted by the person, and allowed by him in this browser. */
function Notice({ choice, choose }: { choice: RingChoice; choose: (choice: RingChoice) => void }) {
  const t = useWords("band");
  const [allowed, setAllowed] = useState(permission);
  if (allowed === "none") return null;
  const change = async (isWanted: boolean) => {
    const answer = isWanted ? await askPermission() : allowed;
    setAllowed(answer);
    choose({ ...choice, notice: isWanted && answer === "granted" });
  };
  return (
    <Switch
      size="xs"
      label={t("menu.notice")}
      description={allowed === "denied" ? t("menu.notice.denied") : undefined}
      disabled={allowed === "denied"}
      checked={choice.notice === true && allowed === "granted"}
      onChange={(event) => void change(event.currentTarget.checked)}
    />
  );
}

/** The ring of the page beside a desk phone; the phone in the page has its own settings. */
function Loud({ choice, choose }: { choice: RingChoice; choose: (choice: RingChoice) => void }) {
  const t = useWords("band");
  const isOn = choice.sound;
  const hear = () => {
    const end = ring(choice.volume);
    setTimeout(end, 1200);
  };
  return (
    <>
      <Switch size="xs" label={t("menu.ring")} checked={isOn} onChange={(event) => choose({ ...choice, sound: event.currentTarget.checked })} />
      <div className={menu["volume"]}>
        <Slider
          size="sm"
          aria-label={t("menu.volume")}
          thumbProps={{ "aria-label": t("menu.volume") }}
          value={choice.volume}
          onChange={(volume) => choose({ ...choice, volume })}
          disabled={!isOn}
          label={null}
        />
        <button type="button" onClick={hear} disabled={!isOn} aria-label={t("menu.try")} title={t("menu.try")}>
          <Icon name="speaker" />
        </button>
      </div>
    </>
  );
}
