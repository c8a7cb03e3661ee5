/* Fields that are saved as typed: one line, several lines, a number, one of some, a few side by side, a day. */

import { Input, NumberInput, SegmentedControl, Select, Textarea, TextInput } from "@mantine/core";
import { useId, type ReactNode } from "react";
import { DayField } from "../parts/DayField";
import { Conflict, SavedWord } from "./SavedState";
import styles from "./SavedState.module.css";
import { useSaved, type SavedField, type SavedOptions } from "./useSaved";

export interface FieldProps<T> extends SavedOptions<T> {
  label: string;
  /** At the right end within the field. */
  behind?: ReactNode;
  placeholder?: string;
  isReadOnly?: boolean;
  maxLength?: number;
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** The head, the word of its state, what is wrong, and the choice after a conflict around any field. */
export function FieldFrame<T>({
  label,
  saved,
  htmlFor,
  children,
  show,
}: {
  label: string;
  saved: SavedField<T>;
  htmlFor?: string;
  children: ReactNode;
  show?: ((value: unknown) => string) | undefined;
}) {
  return (
    <div className={styles["field"]}>
      <div className={styles["label"]}>
        <label htmlFor={htmlFor}>{label}</label>
        <SavedWord state={saved.state} />
      </div>
      {children}
      {saved.state.kind === "refused" && <Input.Error mt={4}>{saved.state.why}</Input.Error>}
      <Conflict state={saved.state} keepMine={saved.keepMine} takeTheirs={saved.takeTheirs} {...(show ? { show } : {})} />
    </div>
  );
}

function isWrong(saved: SavedField<never> | { state: { kind: string } }): boolean {
  return saved.state.kind === "refused";
}

export function SavedText({ label, behind, placeholder, isReadOnly, maxLength, ...options }: FieldProps<string>) {
  const saved = useSaved(options);
  const id = useId();
  return (
    <FieldFrame label={label} saved={saved} htmlFor={id}>
      <TextInput
        id={id}
        value={saved.value}
        error={isWrong(saved)}
        onChange={(event) => saved.set(event.currentTarget.value)}
        onBlur={saved.flush}
        rightSection={behind}
        placeholder={placeholder ?? ""}
        readOnly={isReadOnly ?? false}
        {...(maxLength ? { maxLength } : {})}
      />
    </FieldFrame>
  );
}

export function SavedLines({ label, placeholder, isReadOnly, maxLength, ...options }: FieldProps<string>) {
  const saved = useSaved(options);
  const id = useId();
  return (
    <FieldFrame label={label} saved={saved} htmlFor={id}>
      <Textarea
        id={id}
        autosize
        minRows={2}
        maxRows={8}
        value={saved.value}
        error={isWrong(saved)}
        onChange={(event) => saved.set(event.currentTarget.value)}
        onBlur={saved.flush}
        placeholder={placeholder ?? ""}
        readOnly={isReadOnly ?? false}
        {...(maxLength ? { maxLength } : {})}
      />
    </FieldFrame>
  );
}

export function SavedNumber({ label, behind, placeholder, isReadOnly, ...options }: FieldProps<number | null>) {
  const saved = useSaved(options);
  const id = useId();
  return (
    <FieldFrame label={label} saved={saved} htmlFor={id}>
      <NumberInput
        id={id}
        hideControls
        value={saved.value ?? ""}
        error={isWrong(saved)}
        onChange={(typed) => saved.set(typed === "" ? null : Number(typed))}
        onBlur={saved.flush}
        rightSection={behind}
        placeholder={placeholder ?? ""}
        readOnly={isReadOnly ?? false}
      />
    </FieldFrame>
  );
}

/** One of some, from a list that can be searched; `isRequired` leaves out the way back to nothing. */
export function SavedChoice({
  label,
  choices,
  isRequired,
  isReadOnly,
  placeholder,
  ...options
}: FieldProps<string | null> & { choices: readonly Choice[]; isRequired?: boolean }) {
  const saved = useSaved({ ...options, atOnce: true });
  const id = useId();
  const show = (value: unknown) => choices.find((choice) => choice.value === value)?.label ?? String(value);
  return (
    <FieldFrame label={label} saved={saved} htmlFor={id} show={show}>
      <Select
        id={id}
        data={[...choices]}
        value={saved.value}
        error={isWrong(saved)}
        onChange={saved.set}
        searchable={choices.length > 8}
        clearable={!isRequired}
        allowDeselect={!isRequired}
        placeholder={placeholder ?? ""}
        readOnly={isReadOnly ?? false}
      />
    </FieldFrame>
  );
}

/** A few side by side, such as Cold, Warm, Hot. */
export function SavedSegments({
  label,
  choices,
  isReadOnly,
  ...options
}: FieldProps<string | null> & { choices: readonly (Omit<Choice, "label"> & { label: ReactNode })[] }) {
  const saved = useSaved({ ...options, atOnce: true });
  return (
    <FieldFrame label={label} saved={saved}>
      <SegmentedControl
        fullWidth
        aria-label={label}
        data={[...choices]}
        value={saved.value ?? ""}
        onChange={saved.set}
        readOnly={isReadOnly ?? false}
      />
    </FieldFrame>
  );
}

/** A day as `2026-12-01`. */
export function SavedDay({ label, isReadOnly, ...options }: FieldProps<string | null>) {
  const saved = useSaved(options);
  const id = useId();
  return (
    <FieldFrame label={label} saved={saved} htmlFor={id}>
      <DayField id={id} value={saved.value} error={isWrong(saved)} onChange={saved.set} onBlur={saved.flush} isReadOnly={isReadOnly ?? false} />
    </FieldFrame>
  );
}
