/* A table of working hours: the week, the days that are other than usual, the zone. */

import { ActionIcon, Button, Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import type { ApiProblem } from "../../api";
import { useFormats } from "../../formats";
import { zones } from "../../profile/places";
import { DayField, Icon, Panel } from "../../parts";
import { useWords } from "../../words";
import { valuesOf, type Exception, type Table, type Values } from "./queries";
import { spansOf } from "./spans";
import styles from "./index.module.css";

/** Monday, for the names of the days. */
const MONDAY = Date.UTC(2024, 0, 1, 12);
const DAY_MS = 86_400_000;

export interface EditorProps {
  table: Table;
  set: (values: Values) => void;
  remove: (() => void) | null;
  /** Why the gateway did not take the last change; null: it did. */
  problem: ApiProblem | null;
}

export function Editor({ table, set, remove, problem }: EditorProps) {
  const t = useWords("hours");
  const f = useFormats();
  const values = valuesOf(table);
  const change = (some: Partial<Values>) => set({ ...values, ...some });
  const days = new Intl.DateTimeFormat(f.language, { weekday: "long", timeZone: "UTC" });
  return (
    <>
      <Panel
        title={t("week")}
        isPadded
        acts={
          remove && (
            <Button size="xs" variant="default" onClick={remove}>
              {t("remove")}
            </Button>
          )
        }
      >
        <div className={styles.week}>
          <p className={styles.quiet}>{t("week.how")}</p>
          {table.week.map((spans, day) => (
            <Day key={`${day} ${spans.join()}`} label={days.format(MONDAY + day * DAY_MS)} spans={spans} fault={problem?.within(`week/${day}`) ?? null} set={(next) => change({ week: table.week.with(day, next) })} />
          ))}
          {problem?.field("week") && <p role="alert">{problem.field("week")}</p>}
          <Select
            label={t("zone")}
            searchable
            allowDeselect={false}
            limit={100}
            value={table.timezone}
            error={problem?.field("timezone")}
            data={[...new Set([table.timezone, ...zones()])]}
            onChange={(timezone) => timezone && timezone !== table.timezone && change({ timezone })}
          />
          {(table.did !== null || table.user !== null) && (
            <Switch label={t("holidays")} checked={table.company_holidays} onChange={(event) => change({ company_holidays: event.currentTarget.checked })} />
          )}
        </div>
      </Panel>
      <Exceptions exceptions={table.exceptions} fault={problem?.within("exceptions") ?? null} set={(exceptions) => change({ exceptions })} />
    </>
  );
}

function Day({ label, spans, fault, set }: { label: string; spans: readonly string[]; fault: string | null; set: (spans: string[]) => void }) {
  const t = useWords("hours");
  const [text, setText] = useState(spans.join(", "));
  const read = spansOf(text);
  const save = () => {
    if (read && read.join() !== spans.join()) set(read);
  };
  return (
    <TextInput
      label={label}
      placeholder={t("closed")}
      maxLength={100}
      value={text}
      error={read === null ? t("unread") : read.join() === spans.join() ? null : fault}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={save}
      onKeyDown={(event) => event.key === "Enter" && save()}
    />
  );
}

function Exceptions({ exceptions, fault, set }: { exceptions: readonly Exception[]; fault: string | null; set: (exceptions: Exception[]) => void }) {
  const t = useWords("hours");
  const f = useFormats();
  return (
    <Panel title={t("exceptions")} sub={t("exceptions.how")}>
      {exceptions.length > 0 && (
        <ul className={styles.exceptions}>
          {exceptions.map((exception) => (
            <li key={exception.day}>
              <span>
                <b>{f.shortDay(`${exception.day}T12:00:00Z`)}</b> {exception.name}
              </span>
              <span className={styles.quiet}>{exception.hours.join(", ") || t("closed")}</span>
              <ActionIcon variant="subtle" color="gray" aria-label={t("exception.remove", { day: exception.day })} onClick={() => set(exceptions.filter(({ day }) => day !== exception.day))}>
                <Icon name="close" />
              </ActionIcon>
            </li>
          ))}
        </ul>
      )}
      {fault !== null && (
        <p role="alert" className={styles.body}>
          {fault}
        </p>
      )}
      {/* Another one begins when this one is taken; what was refused stays typed. */}
      <NewException key={exceptions.map(({ day }) => day).join()} add={(exception) => set([...exceptions.filter(({ day }) => day !== exception.day), exception].toSorted((one, other) => one.day.localeCompare(other.day)))} />
    </Panel>
  );
}

function NewException({ add }: { add: (exception: Exception) => void }) {
  const t = useWords("hours");
  const [day, setDay] = useState<string | null>(null);
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  const hours = spansOf(text);
  return (
    <form
      className={`${styles.row} ${styles.body}`}
      onSubmit={(event) => {
        event.preventDefault();
        if (!day || !hours) return;
        add({ day, hours, name: name.trim() });
      }}
    >
      <DayField label={t("day")} width={156} value={day} onChange={setDay} />
      <TextInput label={t("hours")} placeholder={t("closed")} maxLength={100} value={text} error={hours === null && t("unread")} onChange={(event) => setText(event.currentTarget.value)} />
      <TextInput label={t("name")} maxLength={100} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Button type="submit" variant="default" leftSection={<Icon name="plus" />} disabled={!day || !hours}>
        {t("add")}
      </Button>
    </form>
  );
}
