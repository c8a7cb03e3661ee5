/* A day in the reader's language, typed or taken from a calendar; the calendar is loaded when the field is drawn first. */

import { TextInput } from "@mantine/core";
import { Suspense, type ReactNode } from "react";
import { late } from "./late";

const DayFieldBody = late(() => import("./DayFieldBody"));

export interface DayFieldProps {
  label?: ReactNode;
  /** Where no label stands above it. */
  name?: string;
  id?: string;
  description?: ReactNode;
  /** In pixels, where fields stand in a row. */
  width?: number;
  /** `2026-11-24`; null: none. */
  value: string | null;
  onChange: (day: string | null) => void;
  min?: string | undefined;
  max?: string | undefined;
  error?: ReactNode;
  isReadOnly?: boolean;
  onBlur?: () => void;
}

export function DayField(props: DayFieldProps) {
  return (
    <Suspense
      fallback={
        <TextInput
          label={props.label}
          description={props.description}
          error={props.error}
          {...(props.width ? { w: props.width } : {})}
          {...(props.name ? { "aria-label": props.name } : {})}
          readOnly
          value=""
        />
      }
    >
      <DayFieldBody {...props} />
    </Suspense>
  );
}
