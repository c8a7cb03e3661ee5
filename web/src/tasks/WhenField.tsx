/* When something is to be done or is to begin: a day, and an hour by the reader's own clock, whatever this machine's clock is set to. */

import { TextInput } from "@mantine/core";
import { useState } from "react";
import { useSession } from "../app/session";
import { DayField } from "../parts";
import { useWords } from "../words";
import { instantOf, timeOf, wallOf } from "../wrapup/times";
import styles from "./index.module.css";

export interface WhenFieldProps {
  /** Of the day. */
  label: string;
  /** A moment; null: none. */
  value: string | null;
  onChange: (at: string | null) => void;
  error?: string | null;
}

/** Where a day is chosen and no hour. */
const MORNING = "10:00";

export function WhenField({ label, value, onChange, error }: WhenFieldProps) {
  const t = useWords("tasks");
  const zone = useSession().who.timezone;
  const wall = value === null ? null : wallOf(Date.parse(value), zone);
  const [typed, setTyped] = useState<string | null>(null);
  const set = (day: string | null, time: string) => onChange(day === null ? null : instantOf(day, time, zone).toISOString());
  const leave = () => {
    const time = typed === null ? null : timeOf(typed);
    setTyped(null);
    if (time && time !== wall?.time) set(wall?.day ?? wallOf(Date.now(), zone).day, time);
  };
  return (
    <div className={styles.when}>
      <DayField label={label} value={wall?.day ?? null} onChange={(day) => set(day, wall?.time ?? MORNING)} error={error} />
      <TextInput
        label={t("field.time")}
        value={typed ?? wall?.time ?? ""}
        placeholder={MORNING}
        inputMode="numeric"
        autoComplete="off"
        maxLength={8}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={leave}
        onKeyDown={(event) => {
          if (event.key === "Enter") leave();
        }}
      />
    </div>
  );
}
