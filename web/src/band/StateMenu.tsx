/* How one is between calls, and choosing it: free, a break with its reason, off; and the ring of this page. */

import { Menu, Slider, Switch } from "@mantine/core";
import { forwardRef } from "react";
import { Link } from "react-router";
import { api, body, keys, once, useAct, useQuery } from "../api";
import { usePreference } from "../app/preferences";
import { useSession } from "../app/session";
import { Icon, STATE_ICONS, Timer } from "../parts";
import { useWords } from "../words";
import styles from "./Band.module.css";
import menu from "./StateMenu.module.css";
import { useFaultWords } from "./orders";
import { usePagePhone } from "./pagePhone";
import type { Rest } from "./phone";
import { RING, ring, type RingChoice } from "./ring";
import { say } from "./store";

interface Choice {
  state: "available" | "break" | "off";
  reason?: string;
}

export function StateMenu({ rest, skew }: { rest: Rest; skew: number }) {
  const t = useWords("band");
  const { may } = useSession();
  const page = usePagePhone();
  const reasons = useReasons();
  const faultWords = useFaultWords();
  const choose = useAct((send: Choice, key) => body(api.PUT("/api/v1/states/me", { params: { header: once(key) }, body: send })), {
    onFault: (fault) => say(faultWords(fault)),
  });
  const reasonName = (key: string, name: string) => (isKnown(key) ? t(`reason.${key}`) : name);
  const present = reasons.find((reason) => reason.key === rest.reason);
  const word = rest.kind === "break" && present ? reasonName(present.key, present.name) : t(`state.${rest.kind}`);
  if (!may("states.write_own")) return <StateBlock rest={rest} skew={skew} word={word} isFixed />;
  return (
    <Menu position="bottom-start" width={240} offset={4}>
      <Menu.Target>
        <StateBlock rest={rest} skew={skew} word={word} />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="free" />} onClick={() => choose.run({ state: "available" })}>
          {t("menu.free")}
        </Menu.Item>
        {reasons.length === 0 && (
          <Menu.Item leftSection={<Icon name="break" />} onClick={() => choose.run({ state: "break" })}>
            {t("menu.break")}
          </Menu.Item>
        )}
        {reasons.map((reason) => (
          <Menu.Item key={reason.id} leftSection={<Icon name="break" />} onClick={() => choose.run({ state: "break", reason: reason.key })}>
            {reasonName(reason.key, reason.name)}
          </Menu.Item>
        ))}
        <Menu.Item leftSection={<Icon name="off" />} onClick={() => choose.run({ state: "off" })}>
          {t("menu.off")}
        </Menu.Item>
        <Menu.Divider />
        {page !== null && (
          <Menu.Item component={Link} to="/phone" leftSection={<Icon name="speaker" />}>
            {t("menu.sound")}
          </Menu.Item>
        )}
        <RingSettings />
      </Menu.Dropdown>
    </Menu>
  );
}

const KNOWN = ["rest", "lunch", "training", "meeting", "paperwork"] as const;

function isKnown(key: string): key is (typeof KNOWN)[number] {
  return (KNOWN as readonly string[]).includes(key);
}

function useReasons() {
  const { may } = useSession();
  return (
    useQuery({
      queryKey: keys.view("states", "reasons"),
      queryFn: async () => (await body(api.GET("/api/v1/break-reasons"))).items,
      staleTime: 10 * 60_000,
      enabled: may("states.read_own"),
    }).data ?? []
  );
}

interface BlockProps extends React.ButtonHTMLAttributes<HTMLButtonElement> {
  rest: Rest;
  skew: number;
  word: string;
  isFixed?: boolean;
}

const StateBlock = forwardRef<HTMLButtonElement, BlockProps>(function StateBlock({ rest, skew, word, isFixed, className, ...props }, ref) {
  const t = useWords("band");
  return (
    <button type="button" ref={ref} {...props} className={`${styles["block"]} ${className ?? ""}`} data-state={rest.kind} disabled={isFixed}>
      <Icon name={STATE_ICONS[rest.kind]} size={22} />
      <span className={styles["state"]}>
        <b>
          <span className="unseen">{t("menu")}</span>
          <span className="cut">{word}</span>
          {!isFixed && <Icon name="down" size={14} />}
        </b>
        {rest.since !== null && rest.kind !== "off" && <Timer since={rest.since} skew={skew} className={styles["time"]} />}
      </span>
    </button>
  );
});

function RingSettings() {
  const t = useWords("band");
  const page = usePagePhone();
  const [choice, choose] = usePreference<RingChoice>("ring", RING);
  return (
    <div className={menu["ring"]}>
      {page === null && <Loud choice={choice} choose={choose} />}
      <Switch size="xs" label={t("menu.flash")} checked={choice.flash} onChange={(event) => choose({ ...choice, flash: event.currentTarget.checked })} />
    </div>
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
