/* All calls one may see. Filters and order stay in the address, which a figure elsewhere also writes; a row leads to its
   sound and its text. */

import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useMemo, useState, type Key as RowKey } from "react";
import { useNavigate } from "react-router";
import { api, body, keys, useNews, usePages, useQuery } from "../api";
import { useReader } from "../app/reader";
import { useFormats } from "../formats";
import { Columns, DataTable, Empty, Icon, Key, Middle, PageHeader, useColumns, useFilters, useToast } from "../parts";
import { nameOfClient } from "../player/story";
import { SavedViews } from "../views";
import { useWords } from "../words";
import { FIRST, talked, useCallColumns, type Call } from "./columns";
import { FilterChips, FilterPanel, nothing, type Change } from "./FilterPanel";
import { DIRECTIONS, FILTERS, isNumber, PERIODS, queryOf, SORTS, sortOf, type CallsQuery, type Filters, type Sort } from "./filters";
import { useFilterNames } from "./names";
import { useTyped } from "./typed";
import styles from "./index.module.css";

export default function CallsPage() {
  const t = useWords("calls");
  const reader = useReader();
  const navigate = useNavigate();
  const [filters, change] = useFilters(FILTERS);
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<RowKey>>(new Set());
  const names = useFilterNames(filters, isOpen);
  const query = useMemo(() => queryOf(filters, reader), [filters, reader]);
  const sort = sortOf(filters);
  const pages = usePages(keys.list("calls", query, sort), (cursor) =>
    body(api.GET("/api/v1/calls", { params: { query: { ...query, sort, limit: 100, ...(cursor ? { cursor } : {}) } } })),
  );
  const count = useCount(query);
  const [news, forget] = useNews(["calls"], (fact) => fact.kind === "call.ended");
  const columns = useCallColumns(names.lineName);
  const [shown, choice] = useColumns("calls", columns, FIRST);
  const open = (ids: readonly string[], call: string) => {
    const find = filters.q && !isNumber(filters.q) ? `?q=${encodeURIComponent(filters.q)}` : "";
    void navigate(`/calls/${call}${find}`, { state: { ids } });
  };
  const isFiltered = Object.keys(filters).some((name) => name !== "sort");
  return (
    <>
      <PageHeader
        title={t("title")}
        sub={count.data && t(count.data.more ? "countMore" : "count", { count: count.data.count })}
        acts={
          <>
            <Button variant="default" leftSection={<Icon name="filter" />} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
              {t("filters")}
            </Button>
            <SavedViews list="calls" names={FILTERS} filters={filters} />
            <span className={styles.wide}>{choice}</span>
          </>
        }
      >
        <Search filters={filters} change={change} />
      </PageHeader>
      <Columns>
        <Middle>
          <Bar filters={filters} change={change} sort={sort} />
          <FilterChips filters={filters} change={change} names={names} />
          <DataTable
            label={t("title")}
            columns={columns}
            shown={shown}
            pages={pages}
            keyOf={(call) => call.id}
            sentence={useSentence()}
            addressOf={(call) => `/calls/${call.id}`}
            onOpen={(call) => open(pages.rows?.map((row) => row.id) ?? [], call.id)}
            news={news}
            onNews={() => {
              forget();
              void pages.query.refetch();
              void count.refetch();
            }}
            sort={SORTED[sort]}
            onSort={(by, isDown) => change({ sort: written(by === "when" ? (isDown ? "newest" : "oldest") : isDown && (by === "longest" || by === "waited") ? by : "newest") })}
            selected={chosen}
            onSelect={setChosen}
            bulk={<Bulk calls={pages.rows?.filter((call) => chosen.has(call.id)) ?? []} open={open} />}
            toneOf={(call) => (call.result === "missed" && call.direction === "inbound" ? "miss" : undefined)}
            empty={
              isFiltered ? (
                <Empty icon="list" title={t("none.found")} act={<Button onClick={() => change(nothing())}>{t("none.clear")}</Button>} />
              ) : (
                <Empty icon="list" title={t("none.yet")}>
                  {t("none.how")}
                </Empty>
              )
            }
          />
        </Middle>
        {isOpen && <FilterPanel filters={filters} change={change} names={names} close={() => setOpen(false)} />}
      </Columns>
    </>
  );
}

const SORTED: Readonly<Record<Sort, { by: string; isDown: boolean }>> = {
  newest: { by: "when", isDown: true },
  oldest: { by: "when", isDown: false },
  longest: { by: "longest", isDown: true },
  waited: { by: "waited", isDown: true },
};

/** An order as it stands in the address: the usual one does not. */
const written = (sort: string): string | null => (sort === "newest" ? null : sort);

/** How many calls there are; like the list it stays as it was read until the news are shown. */
function useCount(query: CallsQuery) {
  return useQuery({
    queryKey: keys.list("calls", "count", query),
    queryFn: () => body(api.GET("/api/v1/calls/count", { params: { query } })),
  });
}

/** A row as a sentence, for a screen reader. */
function useSentence(): (call: Call) => string {
  const t = useWords("calls");
  const f = useFormats();
  return (call) =>
    t("sentence", {
      how: t(call.direction === "outbound" ? "direction.outbound" : "direction.inbound"),
      client: nameOfClient(call, f),
      when: f.moment(call.started_at),
      result: t(`result.${call.result}` as "result.missed"),
      who: talked(call).join(", "),
      talk: f.duration(call.talk_seconds),
    });
}

/** One field for a number in any form, or for words that were said. */
function Search({ filters, change }: { filters: Filters; change: Change }) {
  const t = useWords("calls");
  const given = filters.number ?? filters.q ?? "";
  const [text, setText] = useTyped(given);
  const find = () => {
    const wanted = text.trim();
    if (wanted === given) return;
    change(isNumber(wanted) ? { number: wanted, q: null } : { q: wanted || null, number: null });
  };
  return (
    <form
      className={styles.search}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        find();
      }}
    >
      <TextInput
        data-filter
        type="search"
        value={text}
        maxLength={100}
        placeholder={t("search")}
        aria-label={t("search")}
        leftSection={<Icon name="search" />}
        rightSection={<Key>/</Key>}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={find}
      />
    </form>
  );
}

interface BarProps {
  filters: Filters;
  change: Change;
  sort: Sort;
}

/** What is chosen most, and the order. */
function Bar({ filters, change, sort }: BarProps) {
  const t = useWords("calls");
  return (
    <div className={styles.bar}>
      <SegmentedControl
        aria-label={t("filter.direction")}
        value={filters.direction ?? ""}
        data={[{ value: "", label: t("all") }, ...DIRECTIONS.map((value) => ({ value, label: t(`direction.${value}`) }))]}
        onChange={(value) => change({ direction: value || null })}
      />
      <Select
        aria-label={t("filter.period")}
        placeholder={t("filter.period")}
        clearable
        value={filters.period ?? null}
        data={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))}
        onChange={(period) => change({ period, first: null, last: null, since: null, until: null })}
      />
      <Select
        className={styles.sort ?? ""}
        aria-label={t("sort")}
        allowDeselect={false}
        value={sort}
        data={SORTS.map((value) => ({ value, label: t(`sort.${value}`) }))}
        onChange={(value) => change({ sort: value && written(value) })}
      />
    </div>
  );
}

/** What is done with chosen calls. */
function Bulk({ calls, open }: { calls: readonly Call[]; open: (ids: readonly string[], call: string) => void }) {
  const t = useWords("calls");
  const toast = useToast();
  const numbers = [...new Set(calls.flatMap((call) => call.client.number ?? []))];
  const ids = calls.map((call) => call.id);
  const copy = () =>
    void navigator.clipboard.writeText(numbers.join("\n")).then(
      () => toast({ text: t("copied", { count: numbers.length }), icon: "copy" }),
      () => toast({ text: t("copied.not"), icon: "warn" }),
    );
  return (
    <>
      <Button size="xs" variant="default" leftSection={<Icon name="play" size={12} />} disabled={ids.length === 0} onClick={() => ids[0] && open(ids, ids[0])}>
        {t("listen")}
      </Button>
      <Button size="xs" variant="default" leftSection={<Icon name="copy" size={12} />} disabled={numbers.length === 0} onClick={copy}>
        {t("copyNumbers")}
      </Button>
    </>
  );
}
