/* Tasks by their time: one's own, and for who leads, everybody's. Chosen ones are ended or handed over together. */

import { Button, Menu, SegmentedControl, Select } from "@mantine/core";
import { useMemo, useState, type Key } from "react";
import { Link, useSearchParams } from "react-router";
import { useNews } from "../api";
import { useReader } from "../app/reader";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { beginOf, daysOf } from "../calls/filters";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { CallButton, Chips, Columns, DataTable, Empty, HeatTag, Icon, KeyOf, Middle, PageHeader, Tag, useFilters, useMinute, type Column } from "../parts";
import { useWords } from "../words";
import { FILTERS, KINDS, queryOf, SHOWN, shownOf, type Filter, type Filters } from "./filters";
import { NewTask } from "./NewTask";
import { OneTask } from "./OneTask";
import { useChangeTask, useTasks, type Change, type Task } from "./queries";
import styles from "./index.module.css";

type SetFilters = (some: Partial<Record<Filter, string | null>>) => void;

export default function TasksPage() {
  const t = useWords("tasks");
  const reader = useReader();
  const [filters, change] = useFilters(FILTERS);
  const [search, setSearch] = useSearchParams();
  const open = search.get("task");
  const query = useMemo(() => queryOf(filters, beginOf(daysOf("today", Date.now(), reader).until, reader)), [filters, reader]);
  const pages = useTasks(query);
  const [news, forget] = useNews(["tasks"], (fact) => fact.kind === "task.created");
  const [chosen, setChosen] = useState<ReadonlySet<Key>>(new Set());
  const columns = useTaskColumns();
  const show = (task: string | null) => {
    const next = new URLSearchParams(search);
    if (task === null) next.delete("task");
    else next.set("task", task);
    setSearch(next, { replace: true });
  };
  useKeys({ "row.task": () => show("new") });
  const tasks = pages.rows?.filter((task) => chosen.has(task.id)) ?? [];
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={
          <Button leftSection={<Icon name="plus" />} rightSection={<KeyOf act="row.task" />} onClick={() => show("new")}>
            {t("new")}
          </Button>
        }
      >
        <SegmentedControl
          aria-label={t("shown")}
          value={shownOf(filters)}
          data={SHOWN.map((value) => ({ value, label: t(`show.${value}`) }))}
          onChange={(value) => change({ show: value === "open" ? null : value, state: null })}
        />
      </PageHeader>
      <Columns>
        <Middle>
          <Bar filters={filters} change={change} />
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
            }}
            selected={chosen}
            onSelect={setChosen}
            bulk={<Bulk tasks={tasks} done={() => setChosen(new Set())} />}
            toneOf={(task) => (task.overdue ? "miss" : undefined)}
            empty={
              <Empty icon="task" title={t("none")} act={<Button onClick={() => show("new")}>{t("new")}</Button>}>
                {t("none.how")}
              </Empty>
            }
          />
        </Middle>
        {open === "new" ? <NewTask close={() => show(null)} /> : open !== null && /^\d+$/.test(open) && <OneTask key={open} id={Number(open)} close={() => show(null)} />}
      </Columns>
    </>
  );
}

function Bar({ filters, change }: { filters: Filters; change: SetFilters }) {
  const t = useWords("tasks");
  const may = useSession().may("tasks.read_all");
  const people = useColleagueChoices(may);
  const chips = filters.contact ? [{ key: "contact", name: t("client"), value: filters.contact, onRemove: () => change({ contact: null }) }] : [];
  return (
    <div className={styles.bar}>
      {may && (
        <Select aria-label={t("field.owner")} placeholder={t("field.owner")} clearable searchable value={filters.owner ?? null} data={people} onChange={(owner) => change({ owner })} />
      )}
      <Select aria-label={t("field.kind")} placeholder={t("field.kind")} clearable value={filters.kind ?? null} data={KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))} onChange={(kind) => change({ kind })} />
      <Chips chips={chips} onClear={() => change({ contact: null })} />
    </div>
  );
}

function useTaskColumns(): readonly Column<Task>[] {
  const t = useWords("tasks");
  return [
    { name: "due", head: t("field.due"), width: "110px", narrow: "end", cell: (task) => <Due task={task} /> },
    {
      name: "title",
      head: t("field.title"),
      narrow: "main",
      cell: (task) => (
        <>
          <b className="cut">{task.title || t(`kind.${task.kind}`)}</b>
          <small className="cut dim">{task.note || t(`origin.${task.origin}`)}</small>
        </>
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
              {task.contact.name ?? t("unknown")}
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

/** What is done with many at once. */
function Bulk({ tasks, done }: { tasks: readonly Task[]; done: () => void }) {
  const t = useWords("tasks");
  const change = useChangeTask();
  const people = useColleagueChoices(useSession().may("tasks.write_all"));
  const all = (some: Change, said: string) => {
    for (const task of tasks) change.run({ task, change: some, said });
    done();
  };
  return (
    <>
      <Button size="xs" variant="default" onClick={() => all({ state: "done" }, t("finished.many", { count: tasks.length }))}>
        {t("finish")}
      </Button>
      {people.length > 0 && (
        <Menu>
          <Menu.Target>
            <Button size="xs" variant="default">
              {t("give")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown mah={320} style={{ overflow: "auto" }}>
            {people.map(({ value, label }) => (
              <Menu.Item key={value} onClick={() => all({ owner: Number(value) }, t("given"))}>
                {label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  );
}
