/* All calls one may see. Filters stay in the address; a row leads to its sound and its text. */

import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { api, body, keys, useNews, usePages } from "../api";
import { useReader } from "../app/reader";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { Chips, DataTable, Empty, Icon, Key, PageHeader, useColumns, useFilters } from "../parts";
import { nameOfClient } from "../player/story";
import { useWords } from "../words";
import { FIRST, talked, useCallColumns, type Call } from "./columns";
import { DIRECTIONS, FILTERS, isNumber, PERIODS, queryOf, RESULTS, type Filter, type Filters } from "./filters";
import styles from "./index.module.css";

export default function CallsPage() {
  const t = useWords("calls");
  const reader = useReader();
  const navigate = useNavigate();
  const [filters, change] = useFilters(FILTERS);
  // The present moment as it was when the filters were chosen: a page that is left open does not change its rows.
  const query = useMemo(() => queryOf(filters, Date.now(), reader), [filters, reader]);
  const pages = usePages(keys.list("calls", query), (cursor) =>
    body(api.GET("/api/v1/calls", { params: { query: { ...query, limit: 100, ...(cursor ? { cursor } : {}) } } })),
  );
  const [news, forget] = useNews(["calls"], (fact) => fact.kind === "call.ended");
  const columns = useCallColumns();
  const [shown, choice] = useColumns("calls", columns, FIRST);
  const open = (call: Call) => {
    const find = filters.q && !isNumber(filters.q) ? `?q=${encodeURIComponent(filters.q)}` : "";
    void navigate(`/calls/${call.id}${find}`, { state: { ids: pages.rows?.map((row) => row.id) ?? [] } });
  };
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <>
      <PageHeader title={t("title")} acts={choice}>
        <Search filters={filters} change={change} />
      </PageHeader>
      <div className={styles.page}>
        <Bar filters={filters} change={change} />
        <DataTable
          label={t("title")}
          columns={columns}
          shown={shown}
          pages={pages}
          keyOf={(call) => call.id}
          sentence={useSentence()}
          onOpen={open}
          news={news}
          onNews={() => {
            forget();
            void pages.query.refetch();
          }}
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
      </div>
    </>
  );
}

type Change = (some: Partial<Record<Filter, string | null>>) => void;

const nothing = () => Object.fromEntries(FILTERS.map((name) => [name, null])) as Record<Filter, null>;

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
  const [text, setText] = useState(filters.number ?? filters.q ?? "");
  const find = () => {
    const wanted = text.trim();
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

function Bar({ filters, change }: { filters: Filters; change: Change }) {
  const t = useWords("calls");
  const f = useFormats();
  const may = useSession().may("calls.read_all");
  const people = useColleagueChoices(may);
  const names = new Map(people.map(({ value, label }) => [value, label]));
  const shownAs: Partial<Record<Filter, (value: string) => string>> = {
    period: (value) => t(`period.${value}` as "period.today"),
    direction: (value) => t(`direction.${value}` as "direction.inbound"),
    result: (value) => t(`result.${value}` as "result.missed"),
    manager: (value) => names.get(value) ?? value,
    number: (value) => f.phone(value),
  };
  const chips = (["since", "until", "number", "contact", "q"] as const).flatMap((name) => {
    const value = filters[name];
    const chip = value && { key: name, name: t(`filter.${name}`), value: shownAs[name]?.(value) ?? value, onRemove: () => change({ [name]: null }) };
    return chip ? [chip] : [];
  });
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
        onChange={(value) => change({ period: value, since: null, until: null })}
      />
      <Select
        aria-label={t("filter.result")}
        placeholder={t("filter.result")}
        clearable
        value={filters.result ?? null}
        data={RESULTS.map((value) => ({ value, label: t(`result.${value}`) }))}
        onChange={(value) => change({ result: value })}
      />
      {may && (
        <Select
          aria-label={t("filter.manager")}
          placeholder={t("filter.manager")}
          clearable
          searchable
          value={filters.manager ?? null}
          data={people}
          onChange={(value) => change({ manager: value })}
        />
      )}
      <Chips chips={chips} onClear={() => change(nothing())} />
    </div>
  );
}
