/* One outcome of calls: its labels, what it asks and what it makes; one reason. Each part is saved as it is typed. */

import { SavedChoice, SavedNumber, SavedText, type FieldProps } from "../../drafts";
import { useFormats } from "../../formats";
import { SidePanel } from "../../parts";
import { LANGUAGE_NAMES, LANGUAGES, useWords } from "../../words";
import { SavedSwitch } from "./OneField";
import { labelOf, relabelled } from "./order";
import type { Disposition, Reason, Rows } from "./queries";
import type { Schemas } from "../../api";
import styles from "./index.module.css";

const TASKS = ["call", "letter", "meeting", "return"] as const;
const UNITS = ["minutes", "days", "months"] as const;

type Part<Row> = <T>(name: string, valueOf: (row: Row) => T, bodyOf: (value: T) => object) => Omit<FieldProps<T>, "label">;

/** How parts of a row are saved. */
function partsOf<Row extends { id: number; version: number }>(of: string, row: Row, rows: Rows<Row, object>): Part<Row> {
  return (name, valueOf, bodyOf) => ({
    id: `${of}/${row.id}/${name}`,
    field: name,
    value: valueOf(row),
    version: row.version,
    save: (value, version) => rows.change(row, { ...bodyOf(value), version }),
    refresh: async () => {
      const fresh = await rows.again(row.id);
      return { value: valueOf(fresh), version: fresh.version };
    },
  });
}

function Labels<Row extends { labels: Record<string, string> }>({ row, part }: { row: Row; part: Part<Row> }) {
  const t = useWords("fields");
  return LANGUAGES.map((language) => (
    <SavedText
      key={language}
      label={t("label.in", { language: LANGUAGE_NAMES[language] })}
      maxLength={80}
      {...part(
        `labels/${language}`,
        (some) => some.labels[language] ?? "",
        (label) => ({ labels: relabelled(row.labels, language, label) }),
      )}
    />
  ));
}

export function OneDisposition({ row, rows, close }: { row: Disposition; rows: Rows<Disposition, Schemas["DispositionChange"]>; close: () => void }) {
  const t = useWords("fields");
  const f = useFormats();
  const part = partsOf("disposition", row, rows);
  const choices = <T extends string>(values: readonly T[], word: (value: T) => string) => values.map((value) => ({ value, label: word(value) }));
  const unit = UNITS.find((some) => row.task && row.task[some] !== null) ?? "days";
  const taskOf = (kind: string | null) => {
    const known = TASKS.find((some) => some === kind);
    return { task: known ? { kind: known, [unit]: row.task?.[unit] ?? 1 } : null };
  };
  return (
    <SidePanel label={labelOf(row, f.language)} onClose={close}>
      <div className={styles["form"]}>
        <Labels row={row} part={part} />
        <p className={styles["quiet"]}>
          {t("means.is", { means: t(`means.${row.means}`) })}. {t("means.stays")}
        </p>
        <SavedChoice
          label={t("reason.list")}
          placeholder={t("nothing")}
          choices={choices(["refusal", "purchase"] as const, (value) => t(`reasons.${value}`))}
          {...part<string | null>("reasons", (some) => some.reasons, (reasons) => ({ reasons, ...(reasons === null ? { reason_required: false } : {}) }))}
        />
        {row.reasons && <SavedSwitch label={t("reason.must")} {...part("reason_required", (some) => some.reason_required, (value) => ({ reason_required: value }))} />}
        <SavedChoice
          label={t("next")}
          isRequired
          choices={choices(["none", "offered", "required"] as const, (value) => t(`next.${value}`))}
          {...part<string | null>("next_step", (some) => some.next_step, (value) => ({ next_step: value ?? "none" }))}
        />
        <SavedChoice
          label={t("stage")}
          placeholder={t("stays")}
          choices={choices(["lead", "client", "refused"] as const, (value) => t(`stage.${value}`))}
          {...part<string | null>("stage", (some) => some.stage, (stage) => ({ stage }))}
        />
        <SavedChoice
          label={t("heat")}
          placeholder={t("stays")}
          choices={choices(["cold", "warm", "hot"] as const, (value) => t(`heat.${value}`))}
          {...part<string | null>("heat", (some) => some.heat, (heat) => ({ heat }))}
        />
        <SavedSwitch label={t("closes")} {...part("closes_lead", (some) => some.closes_lead, (value) => ({ closes_lead: value }))} />
        <SavedChoice
          label={t("task")}
          placeholder={t("nothing")}
          choices={choices(TASKS, (value) => t(`task.${value}`))}
          {...part<string | null>("task", (some) => some.task?.kind ?? null, taskOf)}
        />
        {row.task && (
          <SavedNumber
            label={t(`after.${unit}`)}
            {...part<number | null>(`task/${unit}`, (some) => some.task?.[unit] ?? null, (n) => ({ task: { kind: row.task?.kind, [unit]: n } }))}
          />
        )}
      </div>
    </SidePanel>
  );
}

export function OneReason({ row, rows, close }: { row: Reason; rows: Rows<Reason, Schemas["ReasonChange"]>; close: () => void }) {
  const t = useWords("fields");
  const f = useFormats();
  const part = partsOf("reason", row, rows);
  return (
    <SidePanel label={labelOf(row, f.language)} onClose={close}>
      <div className={styles["form"]}>
        <Labels row={row} part={part} />
        <SavedNumber label={t("return.months")} placeholder={t("return.none")} {...part<number | null>("return_months", (some) => some.return_months, (n) => ({ return_months: n }))} />
      </div>
    </SidePanel>
  );
}
