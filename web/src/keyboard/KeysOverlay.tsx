/* `?`: every key in force, and the way to have another one. */

import { Button, Modal, Switch } from "@mantine/core";
import { useEffect, useState } from "react";
import { navOf } from "../app/nav";
import { usePreference } from "../app/preferences";
import { useSession } from "../app/session";
import { Key, KeyOf } from "../parts/Key";
import { useWords } from "../words";
import { useActsInForce } from ".";
import { ACTS, chordOf, GO, keysOf, shownKeys, type Act, type Rebound } from "./keymap";
import styles from "./KeysOverlay.module.css";
import { closeOverlay } from "./openers";

const NOTHING: Rebound = {};
const EVERYWHERE: readonly Act[] = ["palette", "filter", "dial", "undo", "help", "leave"];

export default function KeysOverlay() {
  const t = useWords("shell");
  const p = useWords("parts");
  return (
    <Modal
      opened
      onClose={closeOverlay}
      title={t("keys.title")}
      size={640}
      closeButtonProps={{ "aria-label": p("close") }}
      transitionProps={{ duration: 0 }}
      overlayProps={{ backgroundOpacity: 0.25 }}
    >
      <Keys />
    </Modal>
  );
}

function Keys() {
  const t = useWords("shell");
  const { who } = useSession();
  const [letters, setLetters] = usePreference("letters", true);
  const inForce = useActsInForce();
  const calls = (Object.keys(ACTS) as Act[]).filter((act) => ACTS[act].where === "call");
  const here = inForce.filter((act) => !calls.includes(act) && !EVERYWHERE.includes(act));
  const go = navOf(who).flatMap((part) => part.items);
  return (
    <div className={styles.keys}>
      <Group title={t("keys.call")} acts={calls} />
      <Group title={t("keys.page")} acts={EVERYWHERE} />
      {here.length > 0 && <Group title={t("keys.here")} acts={here} />}
      <section>
        <h3>{t("keys.go", { key: shownKeys(GO).join("") })}</h3>
        <dl>
          {go.map((item) => (
            <div key={item.name}>
              <dt>{t(`nav.${item.name}`)}</dt>
              <dd>
                <Key>{shownKeys(GO).join("")}</Key>
                <Key>{shownKeys(item.go).join("")}</Key>
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <Switch label={t("keys.letters")} checked={letters} onChange={(event) => setLetters(event.currentTarget.checked)} />
    </div>
  );
}

function Group({ title, acts }: { title: string; acts: readonly Act[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {acts.map((act) => (
          <ActRow key={act} act={act} />
        ))}
      </dl>
    </section>
  );
}

/** An act with its keys; "Change" waits for the next key. */
export function ActRow({ act }: { act: Act }) {
  const t = useWords("shell");
  const [rebound, setRebound] = usePreference<Rebound>("keys", NOTHING);
  const [isWaiting, setWaiting] = useState(false);
  const [taken, setTaken] = useState<Act | null>(null);
  useEffect(() => {
    if (!isWaiting) return;
    const pressed = (event: KeyboardEvent) => {
      const { code, key, ctrlKey, metaKey, altKey, shiftKey, isComposing } = event;
      const isAltGraph = event.getModifierState("AltGraph");
      const chord = chordOf({ code, key, ctrlKey, metaKey, altKey, shiftKey, isComposing, isAltGraph });
      if (chord === null) return;
      event.preventDefault();
      event.stopPropagation();
      if (chord === "Escape") return setWaiting(false);
      const owner = ownerOf(chord, act, rebound);
      setTaken(owner);
      if (owner !== null) return;
      setRebound({ ...rebound, [act]: [chord] });
      setWaiting(false);
    };
    document.addEventListener("keydown", pressed, true);
    return () => document.removeEventListener("keydown", pressed, true);
  }, [isWaiting, act, rebound, setRebound]);
  const reset = () => {
    const { [act]: _gone, ...rest } = rebound;
    setRebound(rest);
  };
  return (
    <div>
      <dt>{t(`act.${act}`)}</dt>
      <dd>
        {isWaiting ? (
          <span role="status">{taken ? t("keys.taken", { act: t(`act.${taken}`) }) : t("keys.press")}</span>
        ) : (
          <KeyOf act={act} />
        )}
        <Button size="xs" variant="subtle" onClick={() => (rebound[act] ? reset() : setWaiting(!isWaiting))}>
          {t(rebound[act] ? "keys.reset" : "keys.change")}
          <span className="unseen"> {t(`act.${act}`)}</span>
        </Button>
      </dd>
    </div>
  );
}

/** The act that has a chord already, among those that can be in force together; null: it is free. */
function ownerOf(chord: string, wanted: Act, rebound: Rebound): Act | null {
  const family = (act: Act) => act.split(".", 1)[0] ?? "";
  const rivals = (Object.keys(ACTS) as Act[]).filter((act) => {
    const both = new Set([family(act), family(wanted)]);
    return act !== wanted && !(both.has("player") && both.size === 2) && !(both.has("board") && both.size === 2);
  });
  return rivals.find((act) => keysOf(act, rebound).includes(chord)) ?? null;
}
