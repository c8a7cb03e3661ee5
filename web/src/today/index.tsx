/* Whom to call now, and how the day goes. Rows keep their places while one reads; what is new waits to be shown. */

import { Button, SegmentedControl } from "@mantine/core";
import { useMemo, useRef, useState, type ReactNode } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { useKeys } from "../keyboard";
import { Columns, CountTag, Empty, KeyOf, Middle, PageHeader, Shown, SidePanel, useDial, useMinute } from "../parts";
import { useFormats } from "../formats";
import { useWords } from "../words";
import { CallerPanel } from "./CallerPanel";
import { clientOf, countsOf, keyOf, settle, SHOWN, type AgreedRow, type Counts, type Day, type ShownPart, type TaskRow } from "./day";
import { Glance } from "./Glance";
import { NoteLine } from "./NoteLine";
import { useDay } from "./queries";
import { ReturnRow, ScheduledRow, TodoRow } from "./Rows";
import { Strip, StripSkeleton } from "./Strip";
import styles from "./index.module.css";

const TASKS_SHOWN = 8;

export default function TodayPage() {
  const t = useWords("today");
  const f = useFormats();
  const minute = useMinute();
  const day = useDay();
  const [search, setSearch] = useSearchParams();
  const shown = SHOWN.find((part) => part === search.get("show")) ?? "all";
  // The address follows a moment later, and the next key may be for the row already.
  const [chosen, setChosen] = useState(search.get("row"));
  const set = (name: string, value: string | null) => {
    const next = new URLSearchParams(search);
    if (value === null) next.delete(name);
    else next.set(name, value);
    setSearch(next, { replace: true });
  };
  const choose = (key: string | null) => {
    setChosen(key);
    set("row", key);
  };
  const counts = day.data && countsOf(day.data);
  const rows = useMemo(() => (day.data ? [...day.data.return_now, ...day.data.scheduled, ...day.data.tasks] : []), [day.data]);
  const row = rows.find((some) => keyOf(some) === chosen);
  return (
    <Columns>
      <Middle>
        <PageHeader
          title={t("title")}
          sub={f.longDay(minute, minute)}
          acts={<Parts shown={shown} counts={counts} choose={(part) => set("show", part === "all" ? null : part)} />}
        />
        {!day.data && !day.error && <StripSkeleton />}
        <Shown query={day}>
          {(found) => (
            <>
              <Strip day={found} />
              <Lists day={found} shown={shown} chosen={chosen} choose={choose} />
            </>
          )}
        </Shown>
      </Middle>
      <CallerPanel fallback={row && <Beside row={row} close={() => choose(null)} />} />
    </Columns>
  );
}

function Parts({ shown, counts, choose }: { shown: ShownPart; counts: Counts | undefined; choose: (part: ShownPart) => void }) {
  const t = useWords("today");
  return (
    <SegmentedControl
      className={styles.parts ?? ""}
      aria-label={t("parts")}
      value={shown}
      data={SHOWN.map((part) => ({
        value: part,
        label: (
          <>
            {t(`part.${part}`)} {counts && <small>{counts[part]}</small>}
          </>
        ),
      }))}
      onChange={(value) => choose(SHOWN.find((part) => part === value) ?? "all")}
    />
  );
}

interface ListsProps {
  day: Day;
  shown: ShownPart;
  chosen: string | null;
  choose: (key: string) => void;
}

function Lists({ day, shown, chosen, choose }: ListsProps) {
  const t = useWords("today");
  const [all, setAll] = useState(false);
  const counts = countsOf(day);
  const place = useRef<HTMLDivElement>(null);
  useRowKeys(place, day);
  const [places, setPlaces] = useState(() => keysOf(day));
  const missed = settle(day.return_now, places);
  const scheduled = settle(day.scheduled, places);
  const todo = settle(day.tasks, places);
  const waiting = missed.waiting + scheduled.waiting + todo.waiting;
  const show = () => setPlaces(keysOf(day));
  useKeys({ "list.news": show }, waiting > 0);
  const tasks = all || shown === "tasks" ? todo.rows : todo.rows.slice(0, TASKS_SHOWN);
  const wants = (part: ShownPart) => shown === "all" || shown === part;
  if (counts.all === 0) {
    return (
      <Empty icon="done" title={t("none")} act={<Button component={Link} to="/clients">{t("none.act")}</Button>}>
        {t("none.how")}
      </Empty>
    );
  }
  const item = (row: TaskRow | AgreedRow, inside: ReactNode) => (
    <Item key={keyOf(row)} id={keyOf(row)} isChosen={chosen === keyOf(row)} row={row} choose={choose}>
      {inside}
    </Item>
  );
  return (
    <div ref={place} className={styles.lists}>
      {waiting > 0 && (
        <p role="status" className={styles.news}>
          <Button size="xs" variant="light" onClick={show} rightSection={<KeyOf act="list.news" />}>
            {t("news", { count: waiting })}
          </Button>
        </p>
      )}
      {wants("missed") && (
        <Section title={t("part.missed.title")} sub={t("part.missed.sub", { n: day.minutes ?? 5 })} n={counts.missed} isUrgent>
          {missed.rows.map((row) => item(row, <ReturnRow row={row} minutes={day.minutes} me={day.user} />))}
        </Section>
      )}
      {wants("scheduled") && (
        <Section title={t("part.scheduled")} n={counts.scheduled}>
          {scheduled.rows.map((row) => item(row, <ScheduledRow row={row} />))}
        </Section>
      )}
      {wants("tasks") && (
        <Section
          title={t("part.tasks")}
          sub={t("part.tasks.sub")}
          n={counts.tasks}
          acts={
            tasks.length < todo.rows.length && (
              <Button size="xs" variant="subtle" onClick={() => setAll(true)}>
                {t("moreTasks", { count: todo.rows.length - tasks.length })}
              </Button>
            )
          }
        >
          {tasks.map((row) => item(row, <TodoRow row={row} />))}
        </Section>
      )}
    </div>
  );
}

const keysOf = (day: Day): string[] => [...day.return_now, ...day.scheduled, ...day.tasks].map(keyOf);

interface SectionProps {
  title: string;
  sub?: string;
  n: number;
  isUrgent?: boolean;
  acts?: ReactNode;
  children: readonly ReactNode[];
}

function Section({ title, sub, n, isUrgent, acts, children }: SectionProps) {
  const t = useWords("today");
  return (
    <section className={styles.section}>
      <header>
        <h2>{title}</h2>
        <CountTag n={n} tone={isUrgent && n > 0 ? "miss" : "plain"} />
        {sub && <small>{sub}</small>}
        <span className={styles.space} />
        {acts}
      </header>
      {children.length > 0 ? <ul>{children}</ul> : <p className={styles.empty}>{t("section.none")}</p>}
    </section>
  );
}

interface ItemProps {
  id: string;
  row: TaskRow | AgreedRow;
  isChosen: boolean;
  choose: (key: string) => void;
  children: ReactNode;
}

/** One row: chosen by focus, with a line for a note beneath while it is. */
function Item({ id, row, isChosen, choose, children }: ItemProps) {
  const client = clientOf(row);
  return (
    // A row is no button: it holds several. The keys J and K lead from one to the next.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/no-noninteractive-tabindex
    <li className={styles.item} data-row={id} data-chosen={isChosen || undefined} tabIndex={0} onFocus={() => choose(id)}>
      {children}
      {isChosen && client.id !== null && <NoteLine contact={client.id} />}
    </li>
  );
}

/** J, K, Enter, C, N on the rows. */
function useRowKeys(place: React.RefObject<HTMLDivElement | null>, day: Day): void {
  const navigate = useNavigate();
  const dial = useDial();
  const rows = () => [...(place.current?.querySelectorAll<HTMLLIElement>("li[data-row]") ?? [])];
  const at = () => rows().findIndex((row) => row.contains(document.activeElement));
  const move = (step: number) => {
    const all = rows();
    const next = all[Math.min(all.length - 1, Math.max(0, at() + step))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return next !== undefined;
  };
  const client = () => {
    const id = rows()[at()]?.dataset["row"];
    const row = [...day.return_now, ...day.scheduled, ...day.tasks].find((some) => keyOf(some) === id);
    return row ? clientOf(row) : null;
  };
  useKeys({
    "list.next": () => move(1),
    "list.previous": () => move(-1),
    "list.open": () => {
      const id = client()?.id;
      return id ? navigate(`/clients/${id}`) : false;
    },
    "row.call": () => {
      const { number, id } = client() ?? { number: null, id: null };
      return number && dial ? dial({ number, ...(id === null ? {} : { contact: id }) }) : false;
    },
    "row.note": () => {
      const field = rows()[at()]?.querySelector<HTMLElement>("textarea, input");
      field?.focus();
      return field !== undefined && field !== null;
    },
  });
}

function Beside({ row, close }: { row: TaskRow | AgreedRow; close: () => void }) {
  const t = useWords("today");
  const client = clientOf(row);
  if (client.id === null) return null;
  return (
    <SidePanel label={t("card")} onClose={close}>
      <Glance contact={client.id} />
    </SidePanel>
  );
}
