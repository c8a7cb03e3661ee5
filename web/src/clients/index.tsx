/* The clients one may see: found by name, by number in any form, by town; filters stay in the address. */

import { Button, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { api, body, keys, useNews, usePages } from "../api";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { Chips, Columns, DataTable, Empty, Icon, Key, Middle, PageHeader, useColumns, useFilters } from "../parts";
import { useWords } from "../words";
import { FIRST, useClientColumns } from "./columns";
import { NewClient } from "./NewClient";
import styles from "./index.module.css";

const FILTERS = ["q", "owner", "heat", "stage", "city", "organisation"] as const;
type Filter = (typeof FILTERS)[number];
const HEATS = ["hot", "warm", "cold"] as const;
const STAGES = ["unsorted", "lead", "client", "refused"] as const;

type Filters = Readonly<Partial<Record<Filter, string>>>;
type SetFilters = (some: Partial<Record<Filter, string | null>>) => void;

/** The query of the API for the filters of an address; what is wrong in it is left out. */
function queryOf(filters: Filters) {
  const id = (value: string | undefined) => (value && /^\d{1,15}$/.test(value) ? Number(value) : undefined);
  const heat = HEATS.find((some) => some === filters.heat);
  const stage = STAGES.find((some) => some === filters.stage);
  const [owner, organisation] = [id(filters.owner), id(filters.organisation)];
  return {
    ...(filters.q ? { q: filters.q.slice(0, 100) } : {}),
    ...(filters.owner === "none" ? { has_owner: false } : owner === undefined ? {} : { owner }),
    ...(heat ? { heat } : {}),
    ...(stage ? { stage } : {}),
    ...(filters.city ? { city: filters.city } : {}),
    ...(organisation === undefined ? {} : { organisation }),
  };
}

export default function ClientsPage() {
  const t = useWords("clients");
  const navigate = useNavigate();
  const [filters, change] = useFilters(FILTERS);
  const [search, setSearch] = useSearchParams();
  const query = queryOf(filters);
  const pages = usePages(keys.list("contacts", query), (cursor) =>
    body(api.GET("/api/v1/contacts", { params: { query: { ...query, limit: 100, ...(cursor ? { cursor } : {}) } } })),
  );
  const [news, forget] = useNews(["contacts"], (fact) => fact.kind === "contact.created");
  const columns = useClientColumns();
  const [shown, choice] = useColumns("clients", columns, FIRST);
  const isFiltered = Object.keys(filters).length > 0;
  const make = (open: boolean) => {
    const next = new URLSearchParams(search);
    if (open) next.set("new", "1");
    else next.delete("new");
    setSearch(next, { replace: true });
  };
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={
          <>
            {choice}
            <Button leftSection={<Icon name="plus" />} onClick={() => make(true)}>
              {t("new")}
            </Button>
          </>
        }
      >
        <Search filters={filters} change={change} />
      </PageHeader>
      <Columns>
        <Middle>
          <Bar filters={filters} change={change} />
          <DataTable
            label={t("title")}
            columns={columns}
            shown={shown}
            pages={pages}
            rowHeight={46}
            keyOf={(card) => card.id}
            onOpen={(card) => void navigate(`/clients/${card.id}`)}
            news={news}
            onNews={() => {
              forget();
              void pages.query.refetch();
            }}
            empty={
              isFiltered ? (
                <Empty icon="clients" title={t("none.found")} act={<Button onClick={() => change(nothing())}>{t("none.clear")}</Button>} />
              ) : (
                <Empty icon="clients" title={t("none")} act={<Button onClick={() => make(true)}>{t("new")}</Button>}>
                  {t("none.how")}
                </Empty>
              )
            }
          />
        </Middle>
        {search.has("new") && <NewClient close={() => make(false)} />}
      </Columns>
    </>
  );
}

const nothing = () => Object.fromEntries(FILTERS.map((name) => [name, null])) as Record<Filter, null>;

function Search({ filters, change }: { filters: Filters; change: SetFilters }) {
  const t = useWords("clients");
  const [text, setText] = useState(filters.q ?? "");
  return (
    <form
      role="search"
      className={styles.search}
      onSubmit={(event) => {
        event.preventDefault();
        change({ q: text.trim() || null });
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
        onBlur={() => change({ q: text.trim() || null })}
      />
    </form>
  );
}

function Bar({ filters, change }: { filters: Filters; change: SetFilters }) {
  const t = useWords("clients");
  const parts = useWords("parts");
  const session = useSession();
  const owners = useColleagueChoices();
  const data = [
    ...(session.userId === null ? [] : [{ value: String(session.userId), label: t("owner.me") }]),
    { value: "none", label: t("owner.none") },
    ...owners.filter(({ value }) => value !== String(session.userId)),
  ];
  const chips = (["city", "organisation"] as const).flatMap((name) => {
    const value = filters[name];
    return value ? [{ key: name, name: t(name === "city" ? "field.city" : "organisation"), value, onRemove: () => change({ [name]: null }) }] : [];
  });
  return (
    <div className={styles.bar}>
      <Select aria-label={t("field.owner")} placeholder={t("field.owner")} clearable searchable value={filters.owner ?? null} data={data} onChange={(owner) => change({ owner })} />
      <Select aria-label={t("field.heat")} placeholder={t("field.heat")} clearable value={filters.heat ?? null} data={HEATS.map((value) => ({ value, label: parts(`heat.${value}`) }))} onChange={(heat) => change({ heat })} />
      <Select aria-label={t("field.stage")} placeholder={t("field.stage")} clearable value={filters.stage ?? null} data={STAGES.map((value) => ({ value, label: t(`stage.${value}`) }))} onChange={(stage) => change({ stage })} />
      <Chips chips={chips} onClear={() => change({ city: null, organisation: null })} />
    </div>
  );
}
