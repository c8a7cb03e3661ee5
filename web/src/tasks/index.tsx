/* Tasks by their time: one's own, and for who leads, everybody's by person and team. Chosen ones are ended or handed over
   together, with one Undo. */

import { Button, Menu, SegmentedControl, Select } from "@mantine/core";
import { useEffect, useMemo, useRef, useState, type Key } from "react";
import { Link, useSearchParams } from "react-router";
import { useNews } from "../api";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { useContactName, useTeamChoices } from "../calls/names";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { CallButton, Chips, Columns, DataTable, Empty, HeatTag, Icon, KeyOf, Middle, PageHeader, Tag, useFilters, useMinute, type Column } from "../parts";
import { SavedViews } from "../views";
import { useWords } from "../words";
import { ENDED, FILTERS, KINDS, periodOf, PERIODS, queryOf, SHOWN, shownOf, STATES, type Bounds, type Filter, type Filters } from "./filters";
import { NewTask } from "./NewTask";
import { OneTask } from "./OneTask";
import { People } from "./People";
import { useBounds, useChangeTasks, useTaskCount, useTasks, type Change, type Task } from "./queries";
import styles from "./index.module.css";

type SetFilters = (some: Partial<Record<Filter, string | null>>) => void;

const PEOPLE = "people";

export default function TasksPage() {
  const t = useWords("tasks");
  const bounds = useBounds();
  const mayLead = useSession().may("tasks.read_all");
  const [filters, change] = useFilters(FILTERS);
  const [search, setSearch] = useSearchParams();
  const open = search.get("task");
  const byPerson = mayLead && filters.show === PEOPLE;
  const show = (task: string | null) => {
    const next = new URLSearchParams(search);
    if (task === null) next.delete("task");
    else next.set("task", task);
    setSearch(next, { replace: true });
  };
  useKeys({ "row.task": () => show("new") });
  const part = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // On a narrow screen the chosen part may lie beyond the edge.
    const chosen = part.current?.querySelector<HTMLElement>("[data-active]:not(span)");
    if (part.current && chosen) part.current.scrollLeft = chosen.offsetLeft - 16;
  }, [filters.show]);
  const parts = [...SHOWN, ...(mayLead ? [PEOPLE] : [])] as (typeof SHOWN)[number][];
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={
          <>
            {!byPerson && <SavedViews list="tasks" names={FILTERS} filters={filters} />}
            <Button leftSection={<Icon name="plus" />} rightSection={<KeyOf act="row.task" />} onClick={() => show("new")}>
              {t("new")}
            </Button>
          </>
        }
      >
        <div ref={part} className={styles.parts}>
        <SegmentedControl
          aria-label={t("shown")}
          value={byPerson ? PEOPLE : shownOf(filters)}
          data={parts.map((value) => ({ value, label: t(`show.${value}`) }))}
          onChange={(value) => change({ show: value === "open" ? null : value, state: null, ...(value === PEOPLE ? { owner: null, team: null, kind: null, contact: null } : {}) })}
        />
        </div>
      </PageHeader>
      <Columns>
        <Middle>
          {byPerson ? (
            <People bounds={bounds} period={periodOf(filters) ?? "week"} choose={(period) => change({ period })} />
          ) : (
            <List key={filters.show} filters={filters} change={change} bounds={bounds} open={open} show={show} />
          )}
        </Middle>
        {open === "new" ? <NewTask contact={contactOf(search.get("contact"))} close={() => show(null)} /> : open !== null && /^\d+$/.test(open) && <OneTask key={open} id={Number(open)} close={() => show(null)} />}
      </Columns>
    </>
  );
}

const contactOf = (id: string | null): number | null => (id && /^\d{1,15}$/.test(id) ? Number(id) : null);

interface ListProps {
  filters: Filters;
  change: SetFilters;
  bounds: Bounds;
  open: string | null;
  show: (task: string | null) => void;
}

function List({ filters, change, bounds, open, show }: ListProps) {
  const t = useWords("tasks");
  const query = useMemo(() => queryOf(filters, bounds), [filters, bounds]);
  const pages = useTasks(query);
  const count = useTaskCount(query);
  const [news, forget] = useNews(["tasks"], (fact) => fact.kind === "task.created");
  const [chosen, setChosen] = useState<ReadonlySet<Key>>(new Set());
  const columns = useTaskColumns(shownOf(filters) === "ended");
  return (
    <>
      <Bar filters={filters} change={change} count={count.data} />
      <DataTable
        label={t("title")}
        columns={columns}
        pages={pages}
        rowHeight={46}
        keyOf={(task) => task.id}
        current={open === null ? null : Number(open)}
        onOpen={(task) => show(String(task.id))}
        news={news}
        onNews={() => {
          forget();
          void pages.query.refetch();
          void count.refetch();
        }}
        selected={chosen}
        onSelect={setChosen}
        bulk={<Bulk tasks={pages.rows?.filter((task) => chosen.has(task.id)) ?? []} done={() => setChosen(new Set())} />}
        toneOf={(task) => (task.overdue ? "miss" : undefined)}
        empty={
          <Empty icon="task" title={t("none")} act={<Button onClick={() => show("new")}>{t("new")}</Button>}>
            {t("none.how")}
          </Empty>
        }
      />
    </>
  );
}

function Bar({ filters, change, count }: { filters: Filters; change: SetFilters; count: { count: number; more: boolean } | undefined }) {
  const t = useWords("tasks");
  const may = useSession().may("tasks.read_all");
  const people = useColleagueChoices(may);
  const teams = useTeamChoices(may);
  const client = useContactName(filters.contact);
  const hasEnded = shownOf(filters) === "ended";
  const owners = [{ value: "none", label: t("nobody") }, ...people];
  const named = (choices: readonly { value: string; label: string }[], value: string) => choices.find((choice) => choice.value === value)?.label ?? value;
  const shownAs: Partial<Record<Filter, (value: string) => string>> = {
    owner: (value) => named(owners, value),
    team: (value) => named(teams, value),
    kind: (value) => t(`kind.${value}` as "kind.own"),
    state: (value) => t(`state.${value}` as "state.new"),
    contact: (value) => client ?? value,
    ...(hasEnded ? { period: (value) => t(`period.${value}` as "period.week") } : {}),
  };
  const chips = (Object.keys(shownAs) as Filter[]).flatMap((name) => {
    const value = filters[name];
    const word = value && shownAs[name]?.(value);
    return word ? [{ key: name, name: t(`filter.${name}` as "filter.team"), value: word, onRemove: () => change({ [name]: null }) }] : [];
  });
  const nothing = Object.fromEntries(FILTERS.filter((name) => name !== "show").map((name) => [name, null])) as Partial<Record<Filter, null>>;
  return (
    <>
      <div className={styles.bar}>
        {may && (
          <Select aria-label={t("filter.owner")} placeholder={t("filter.owner")} clearable searchable value={filters.owner ?? null} data={owners} onChange={(owner) => change({ owner })} />
        )}
        {teams.length > 0 && <Select aria-label={t("filter.team")} placeholder={t("filter.team")} clearable searchable value={filters.team ?? null} data={teams} onChange={(team) => change({ team })} />}
        <Select
          aria-label={t("filter.state")}
          placeholder={t("filter.state")}
          clearable
          value={filters.state ?? null}
          data={(hasEnded ? ENDED : STATES.filter((state) => state === "new" || state === "in_progress")).map((value) => ({ value, label: t(`state.${value}`) }))}
          onChange={(state) => change({ state })}
        />
        {hasEnded && <Select aria-label={t("filter.period")} placeholder={t("filter.period")} clearable value={filters.period ?? null} data={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))} onChange={(period) => change({ period })} />}
        <Select aria-label={t("filter.kind")} placeholder={t("filter.kind")} clearable value={filters.kind ?? null} data={KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))} onChange={(kind) => change({ kind })} />
        {count && <small className={styles.count}>{t(count.more ? "countMore" : "count", { count: count.count })}</small>}
      </div>
      <Chips chips={chips} onClear={() => change(nothing)} />
    </>
  );
}

function useTaskColumns(hasEnded: boolean): readonly Column<Task>[] {
  const t = useWords("tasks");
  const f = useFormats();
  return [
    { name: "due", head: t(hasEnded ? "field.ended" : "field.due"), width: "110px", narrow: "end", cell: (task) => (hasEnded && task.ended_at ? <Ended at={task.ended_at} /> : <Due task={task} />) },
    {
      name: "title",
      head: t("field.title"),
      narrow: "main",
      cell: (task) => (
        <span className={styles.what}>
          <b className="cut">{task.title || t(`kind.${task.kind}`)}</b>
          <small className="cut dim">{task.note || t(`origin.${task.origin}`)}</small>
        </span>
      ),
    },
    {
      name: "client",
      head: t("client"),
      width: "220px",
      cell: (task) =>
        task.contact && (
          <span className={styles.client}>
            <Link to={`/clients/${task.contact.id}`} className="cut">
              {f.client(task.contact.name)}
            </Link>
            <HeatTag heat={task.contact.heat} />
          </span>
        ),
    },
    { name: "owner", head: t("field.owner"), width: "160px", cell: (task) => <span className="cut">{task.owner_name ?? t("nobody")}</span> },
    {
      name: "state",
      head: t("field.state"),
      width: "110px",
      narrow: "none",
      cell: (task) => <Tag tone={task.overdue ? "miss" : task.state === "done" ? "talk" : "plain"}>{task.overdue ? t("overdue") : t(`state.${task.state}`)}</Tag>,
    },
    {
      name: "call",
      head: <span className="unseen">{t("call")}</span>,
      width: "48px",
      narrow: "none",
      cell: (task) => task.number && <CallButton number={task.number} {...(task.contact ? { contact: task.contact.id } : {})} />,
    },
  ];
}

function Due({ task }: { task: Task }) {
  const t = useWords("tasks");
  const f = useFormats();
  const now = useMinute();
  if (task.due_at === null) return <small className="dim">{t("undated")}</small>;
  const isToday = f.daysFrom(task.due_at, now) === 0;
  return (
    <span className={styles.due} data-late={task.overdue || undefined}>
      <b>{isToday ? f.clock(task.due_at) : f.dayName(task.due_at, now)}</b>
      <small>{isToday ? f.fromNow(task.due_at, now) : f.clock(task.due_at)}</small>
    </span>
  );
}

function Ended({ at }: { at: string }) {
  const f = useFormats();
  const now = useMinute();
  return (
    <span className={styles.due}>
      <b>{f.dayName(at, now)}</b>
      <small>{f.clock(at)}</small>
    </span>
  );
}

/** What is done with many at once. */
function Bulk({ tasks, done }: { tasks: readonly Task[]; done: () => void }) {
  const t = useWords("tasks");
  const change = useChangeTasks();
  const people = useColleagueChoices(useSession().may("tasks.write_all"));
  const all = (some: Change, said: string) => {
    change.run({ tasks, change: some, said });
    done();
  };
  return (
    <>
      <Button size="xs" variant="default" disabled={tasks.length === 0} onClick={() => all({ state: "done" }, t("finished.many", { count: tasks.length }))}>
        {t("finish")}
      </Button>
      {people.length > 0 && (
        <Menu>
          <Menu.Target>
            <Button size="xs" variant="default" disabled={tasks.length === 0} rightSection={<Icon name="down" size={12} />}>
              {t("give")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown mah={320} style={{ overflow: "auto" }}>
            {people.map(({ value, label }) => (
              <Menu.Item key={value} onClick={() => all({ owner: Number(value) }, t("given.many", { count: tasks.length, name: label }))}>
                {label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  );
}
