/* The strip with the picture of the sound: who of us talked above it, what happened below it, minutes under all. */

import { Icon } from "../parts";
import { useFormats } from "../formats";
import { useWords } from "../words";
import type { Peaks } from "./peaks";
import type { Sound } from "./sound";
import { ticksOf, type Mark, type Part } from "./story";
import { useHeard } from "./useSound";
import { Waveform } from "./Waveform";
import styles from "./Strip.module.css";

interface StripProps {
  sound: Sound;
  peaks: Peaks | null;
  parts: readonly Part[];
  marks: readonly Mark[];
  hasSides: boolean;
}

export function Strip({ sound, peaks, parts, marks, hasSides }: StripProps) {
  const t = useWords("player");
  const f = useFormats();
  const seconds = useHeard(sound, (view) => view.seconds);
  const place = (second: number) => ({ left: `${(100 * Math.min(1, second / (seconds || 1))).toFixed(3)}%` });
  return (
    <div className={styles.strip}>
      <div className={styles.sides} aria-hidden="true">
        {hasSides ? (
          <>
            <span className={styles.manager}>{t("side.manager")}</span>
            <span className={styles.client}>{t("side.client")}</span>
          </>
        ) : (
          <span>{t("side.both")}</span>
        )}
      </div>
      <div className={styles.middle}>
        <ul className={styles.parts} aria-label={t("parts")}>
          {parts.map((part) => (
            <li key={`${part.name} ${part.from}`} style={place(part.from)}>
              <b>{part.name}</b> {f.duration(part.seconds)}
            </li>
          ))}
        </ul>
        <Waveform sound={sound} peaks={peaks} />
        <ul className={styles.marks} aria-label={t("marks")}>
          {marks.map((mark) => (
            <li key={`${mark.kind} ${mark.second}`} style={place(mark.second)}>
              <button
                type="button"
                className={styles[mark.kind]}
                title={t(`mark.${mark.kind}`, { to: mark.to ?? "" })}
                aria-label={`${f.duration(mark.second)} ${t(`mark.${mark.kind}`, { to: mark.to ?? "" })}`}
                onClick={() => sound.seek(mark.second)}
              >
                <Icon name={mark.kind === "transfer" ? "transfer" : mark.kind === "hold" ? "hold" : "play"} size={12} />
              </button>
            </li>
          ))}
        </ul>
        <div className={styles.ticks} aria-hidden="true">
          {ticksOf(seconds).map((tick) => (
            <span key={tick} style={place(tick)}>
              {f.duration(tick)}
            </span>
          ))}
        </div>
      </div>
    </div>
  );
}
