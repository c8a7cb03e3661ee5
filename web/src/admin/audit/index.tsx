/* Who did what, and when. Filters stay in the address; the file leaves a row of its own. */

import { Button, Menu, Select } from "@mantine/core";
import { api, body, keys, usePages, useQuery, type Schemas } from "../../api";
import { useColleagueChoices } from "../../app/colleagues";
import { useReader } from "../../app/reader";
import { beginOf } from "../../calls/filters";
import { useFormats } from "../../formats";
import { dayAfter } from "../../statistics/figure";
import { Chips, Columns, DataTable, DayField, Empty, Icon, Middle, Moment, PageHeader, useFilters, type Column } from "../../parts";
import { useWords } from "../../words";
import { detailsOf, said, thingWord } from "./said";
import styles from "./index.module.css";

type Row = Schemas["AuditView"];
const FILTERS = ["user", "action", "about", "since", "until"] as const;
type Filter = (typeof FILTERS)[number];

export default function AuditPage() {
  const t = useWords("audit");
  const [filters, change] = useFilters(FILTERS);
  const reader = useReader();
  const query = {
    ...(filters.user && /^\d{1,15}$/.test(filters.user) ? { user: Number(filters.user) } : {}),
    ...(filters.action ? { action: filters.action } : {}),
    ...(filters.about ? { about: filters.about } : {}),
    ...(isDay(filters.since) ? { since: beginOf(filters.since, reader) } : {}),
    ...(isDay(filters.until) ? { until: beginOf(dayAfter(filters.until), reader) } : {}),
  };
  const pages = usePages(keys.list("access", "audit", query), (cursor) =>
    body(api.GET("/api/v1/audit", { params: { query: { ...query, limit: 100, ...(cursor ? { cursor } : {}) } } })),
  );
  const columns = useAuditColumns();
  const isFiltered = Object.keys(filters).length > 0;
  const clear = () => change(Object.fromEntries(FILTERS.map((name) => [name, null])));
  const file = (format: "csv" | "xlsx") => `/api/v1/audit/file?${new URLSearchParams({ ...asText(query), format }).toString()}`;
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={
          <Menu>
            <Menu.Target>
              <Button variant="default" leftSection={<Icon name="export" />}>
                {t("export")}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item component="a" href={file("csv")} download>
                {t("file.csv")}
              </Menu.Item>
              <Menu.Item component="a" href={file("xlsx")} download>
                {t("file.xlsx")}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        }
      />
      <Columns>
        <Middle>
          <Bar filters={filters} change={change} clear={clear} />
          <DataTable
            label={t("title")}
            columns={columns}
            pages={pages}
            keyOf={(row) => row.id}
            empty={
              isFiltered ? (
                <Empty icon="audit" title={t("none.found")} act={<Button onClick={clear}>{t("clear")}</Button>} />
              ) : (
                <Empty icon="audit" title={t("none")} />
              )
            }
          />
        </Middle>
      </Columns>
    </>
  );
}

const isDay = (day: string | undefined): day is string => day !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(day);
const asText = (query: Record<string, string | number>) => Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));

interface BarProps {
  filters: Readonly<Partial<Record<Filter, string>>>;
  change: (some: Partial<Record<Filter, string | null>>) => void;
  clear: () => void;
}

function Bar({ filters, change, clear }: BarProps) {
  const t = useWords("audit");
  const f = useFormats();
  const tell = useTell();
  const people = useColleagueChoices();
  const acts = useQuery({ queryKey: keys.view("access", "acts"), queryFn: () => body(api.GET("/api/v1/audit/actions")) });
  const codes = [...(acts.data?.items ?? [])].map((value) => ({ value, label: tell(value) })).sort((one, other) => f.byName(one.label, other.label));
  const chips = filters.about ? [{ key: "about", name: t("about"), value: filters.about, onRemove: () => change({ about: null }) }] : [];
  return (
    <div className={styles.bar}>
      <Select aria-label={t("who")} placeholder={t("who")} clearable searchable value={filters.user ?? null} data={people} onChange={(user) => change({ user })} />
      <Select aria-label={t("what")} placeholder={t("what")} clearable searchable value={filters.action ?? null} data={codes} onChange={(action) => change({ action })} />
      <DayField name={t("since")} width={156} value={filters.since ?? null} max={filters.until} onChange={(since) => change({ since })} />
      <DayField name={t("until")} width={156} value={filters.until ?? null} min={filters.since} onChange={(until) => change({ until })} />
      <Chips chips={chips} onClear={clear} />
    </div>
  );
}

/** An act in words; its code where it has none. */
function useTell(): (code: string) => string {
  const t = useWords("audit");
  return (code) => {
    const { subject, act } = said(code);
    if (subject === null || act === null) return code;
    return t("said", { subject: t(`subject.${subject}`), act: t(`act.${act}`) });
  };
}

function useAuditColumns(): readonly Column<Row>[] {
  const t = useWords("audit");
  const tell = useTell();
  const named = ({ name, kind, id }: Row["actor"]) => {
    const word = thingWord(kind);
    return name ?? [word ? t(word) : kind, id].filter(Boolean).join(" ");
  };
  return [
    { name: "at", head: t("when"), width: "130px", narrow: "end", cell: (row) => <Moment at={row.at} /> },
    { name: "actor", head: t("who"), width: "200px", narrow: "main", cell: (row) => <b className="cut">{named(row.actor)}</b> },
    { name: "action", head: t("what"), cell: (row) => <span className="cut">{tell(row.action)}</span> },
    { name: "about", head: t("about"), width: "220px", narrow: "none", cell: (row) => <span className="cut">{named(row.about)}</span> },
    { name: "params", head: t("details"), narrow: "none", cell: (row) => <small className="cut dim">{detailsOf(row.params, t)}</small> },
  ];
}
