/* Play, jump, speed, silence, sides. */

import { Button, SegmentedControl, Switch } from "@mantine/core";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { Icon, KeyOf } from "../parts";
import { useWords } from "../words";
import { silences, type Peaks } from "./peaks";
import { SPEEDS, type Sides, type Sound, type Speed } from "./sound";
import { useHeard } from "./useSound";
import styles from "./Controls.module.css";

const JUMP_S = 10;
const STEP_S = 5;
const SIDES: readonly Sides[] = ["both", "manager", "client"];

export function Controls({ sound, peaks, hasSides }: { sound: Sound; peaks: Peaks | null; hasSides: boolean }) {
  const t = useWords("player");
  const f = useFormats();
  const second = useHeard(sound, (view) => Math.floor(view.second));
  const seconds = useHeard(sound, (view) => view.seconds);
  const playing = useHeard(sound, (view) => view.playing);
  const broken = useHeard(sound, (view) => view.broken);
  const speed = useHeard(sound, (view) => view.speed);
  const sides = useHeard(sound, (view) => view.sides);
  const skips = useHeard(sound, (view) => view.skipsSilence);
  useKeys({
    "player.play": sound.toggle,
    "player.back10": () => sound.step(-JUMP_S),
    "player.on10": () => sound.step(JUMP_S),
    "player.back5": () => sound.step(-STEP_S),
    "player.on5": () => sound.step(STEP_S),
    "player.slower": () => sound.nextSpeed(-1),
    "player.faster": () => sound.nextSpeed(1),
  });
  return (
    <div className={styles.controls} role="group" aria-label={t("controls")}>
      <Button variant="default" onClick={() => sound.step(-JUMP_S)} aria-label={t("back10")}>
        {t("jump.back", { n: JUMP_S })}
      </Button>
      <button type="button" className={styles.play} onClick={sound.toggle} aria-label={t(playing ? "pause" : "play")}>
        <Icon name={playing ? "pause" : "play"} size={20} />
      </button>
      <span className={styles.keys}>
        <KeyOf act="player.play" />
      </span>
      <Button variant="default" onClick={() => sound.step(JUMP_S)} aria-label={t("on10")}>
        {t("jump.on", { n: JUMP_S })}
      </Button>
      <span className={styles.time}>
        <b>{f.duration(second)}</b> <span>{t("of", { whole: f.duration(seconds) })}</span>
      </span>
      <SegmentedControl
        aria-label={t("speed")}
        value={String(speed)}
        data={SPEEDS.map((some) => ({ value: String(some), label: `${some}×` }))}
        onChange={(value) => sound.speedUp(Number(value) as Speed)}
      />
      {peaks && (
        <Switch
          label={t("skip")}
          checked={skips}
          onChange={(event) => sound.skipSilence(event.currentTarget.checked, silences(peaks))}
        />
      )}
      {hasSides && (
        <SegmentedControl
          aria-label={t("sides")}
          value={sides}
          data={SIDES.map((side) => ({ value: side, label: t(`side.${side}`) }))}
          onChange={(value) => sound.hear(value)}
        />
      )}
      {broken && (
        <p role="alert" className={styles.broken}>
          {t("broken")}
        </p>
      )}
    </div>
  );
}
