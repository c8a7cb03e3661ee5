/* One field of cards, each part saved as it is typed. */

import { Switch } from "@mantine/core";
import { useId } from "react";
import { FieldFrame, SavedLines, SavedText, useSaved, type FieldProps } from "../../drafts";
import { SidePanel } from "../../parts";
import { useWords } from "../../words";
import { choicesOf } from "./order";
import { type Field, type Rows } from "./queries";
import styles from "./index.module.css";

/** Yes or no, saved at once. */
export function SavedSwitch({ label, ...options }: FieldProps<boolean>) {
  const saved = useSaved({ ...options, atOnce: true });
  const id = useId();
  return (
    <FieldFrame label={label} saved={saved} htmlFor={id}>
      <Switch id={id} checked={saved.value} onChange={(event) => saved.set(event.currentTarget.checked)} />
    </FieldFrame>
  );
}

export function OneField({ field, rows, close }: { field: Field; rows: Rows<Field, Parameters<Rows<Field, object>["change"]>[1]>; close: () => void }) {
  const t = useWords("fields");
  const part = <T,>(name: "label" | "choices" | "required" | "searchable", valueOf: (field: Field) => T, bodyOf: (value: T) => object): Omit<FieldProps<T>, "label"> => ({
    id: `field/${field.id}/${name}`,
    field: name,
    value: valueOf(field),
    version: field.version,
    save: (value, version) => rows.change(field, { ...bodyOf(value), version }),
    refresh: async () => {
      const row = await rows.again(field.id);
      return { value: valueOf(row), version: row.version };
    },
  });
  return (
    <SidePanel label={field.label} onClose={close}>
      <div className={styles["form"]}>
        <SavedText label={t("label")} maxLength={80} {...part("label", (row) => row.label, (label) => ({ label }))} />
        {field.kind === "choice" && (
          <SavedLines label={t("choices")} {...part("choices", (row) => row.choices.join("\n"), (text) => ({ choices: choicesOf(text) }))} />
        )}
        <SavedSwitch label={t("required.long")} {...part("required", (row) => row.required, (required) => ({ required }))} />
        <SavedSwitch label={t("searchable.long")} {...part("searchable", (row) => row.searchable, (searchable) => ({ searchable }))} />
        <p className={styles["quiet"]}>{t("key.is", { key: field.key })}</p>
      </div>
    </SidePanel>
  );
}
