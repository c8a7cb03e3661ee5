/* The clients one may see: found by name, by number in any form, by town; filters stay in the address. */

import { Button, Menu, Select, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { api, body, keys, useNews, usePages, useQuery } from "../api";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { useOrganisationName } from "../calls/names";
import { useTyped } from "../calls/typed";
import { Chips, Columns, DataTable, Empty, Icon, Key, Middle, PageHeader, useColumns, useFilters } from "../parts";
import { SavedViews } from "../views";
import { useWords } from "../words";
import { FIRST, useClientColumns } from "./columns";
import { FILTERS, HEATS, queryOf, STAGES, type Filter, type Filters } from "./filters";
import { NewClient } from "./NewClient";
import styles from "./index.module.css";

type SetFilters = (some: Partial<Record<Filter, string | null>>) => void;

export default function ClientsPage() {
  const t = useWords("clients");
  const navigate = useNavigate();
  const [filters, change] = useFilters(FILTERS);
  const [search, setSearch] = useSearchParams();
  const query = useMemo(() => queryOf(filters), [filters]);
  const pages = usePages(keys.list("contacts", query), (cursor) =>
    body(api.GET("/api/v1/contacts", { params: { query: { ...query, limit: 100, ...(cursor ? { cursor } : {}) } } })),
  );
  const { sort: _, ...counted } = query;
  const count = useQuery({
    queryKey: keys.list("contacts", "count", counted),
    queryFn: () => body(api.GET("/api/v1/contacts/count", { params: { query: counted } })),
  });
  const [news, forget] = useNews(["contacts"], (fact) => fact.kind === "contact.created");
  const columns = useClientColumns();
  const [shown, choice] = useColumns("clients", columns, FIRST);
  const isFiltered = Object.keys(filters).some((name) => name !== "sort");
  const make = (open: boolean) => {
    const next = new URLSearchParams(search);
    next.delete("call");
    if (open) next.set("new", "1");
    else next.delete("new");
    setSearch(next, { replace: true });
  };
  const wanted = search.get("new");
  return (
    <>
      <PageHeader
        title={t("title")}
        sub={count.data && t(count.data.more ? "countMore" : "count", { count: count.data.count })}
        acts={
          <>
            <SavedViews list="contacts" names={FILTERS} filters={filters} />
            <span className={styles.wide}>{choice}</span>
            <Button leftSection={<Icon name="plus" />} onClick={() => make(true)}>
              {t("new")}
            </Button>
            <More />
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
            addressOf={(card) => `/clients/${card.id}`}
            onOpen={(card) => void navigate(`/clients/${card.id}`)}
            news={news}
            onNews={() => {
              forget();
              void pages.query.refetch();
              void count.refetch();
            }}
            sort={{ by: filters.sort === "last_touch" ? "last_touch" : "newest", isDown: true }}
            onSort={(by) => change({ sort: by === "last_touch" && filters.sort !== "last_touch" ? by : null })}
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
        {wanted !== null && <NewClient key={wanted} number={wanted === "1" ? "" : wanted.slice(0, 40)} call={callOf(search.get("call"))} close={() => make(false)} />}
      </Columns>
    </>
  );
}

const nothing = () => Object.fromEntries(FILTERS.map((name) => [name, null])) as Record<Filter, null>;

/** What is done with the whole list. */
function More() {
  const t = useWords("clients");
  const { may } = useSession();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" px={8} aria-label={t("more")}>
          <Icon name="more" />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {may("contacts.import") && (
          <Menu.Item component={Link} to="/clients/import" leftSection={<Icon name="import" />}>
            {t("import")}
          </Menu.Item>
        )}
        {may("contacts.merge") && (
          <Menu.Item component={Link} to="/clients/duplicates" leftSection={<Icon name="merge" />}>
            {t("duplicates")}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** A call of the address; null: it names none. */
const callOf = (id: string | null): string | null => (id && /^[0-9a-f-]{36}$/.test(id) ? id : null);

function Search({ filters, change }: { filters: Filters; change: SetFilters }) {
  const t = useWords("clients");
  const [text, setText] = useTyped(filters.q ?? "");
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
  const organisation = useOrganisationName(filters.organisation);
  const named = (value: string) => data.find((some) => some.value === value)?.label ?? value;
  const shownAs: Record<Exclude<Filter, "sort" | "q">, (value: string) => string | undefined> = {
    owner: named,
    heat: (value) => HEATS.map((heat) => (heat === value ? parts(`heat.${heat}`) : "")).find(Boolean),
    stage: (value) => STAGES.map((stage) => (stage === value ? t(`stage.${stage}`) : "")).find(Boolean),
    city: (value) => value,
    organisation: (value) => organisation ?? value,
    next: (value) => (value === "true" || value === "false" ? t(value === "true" ? "yes" : "no") : undefined),
  };
  const chips = (Object.keys(shownAs) as (keyof typeof shownAs)[]).flatMap((name) => {
    const value = filters[name];
    const word = value && shownAs[name](value);
    return word ? [{ key: name, name: t(`filter.${name}`), value: word, onRemove: () => change({ [name]: null }) }] : [];
  });
  return (
    <>
    <div className={styles.bar}>
      <Select aria-label={t("field.owner")} placeholder={t("field.owner")} clearable searchable value={filters.owner ?? null} data={data} onChange={(owner) => change({ owner })} />
      <Select aria-label={t("field.heat")} placeholder={t("field.heat")} clearable value={filters.heat ?? null} data={HEATS.map((value) => ({ value, label: parts(`heat.${value}`) }))} onChange={(heat) => change({ heat })} />
      <Select aria-label={t("field.stage")} placeholder={t("field.stage")} clearable value={filters.stage ?? null} data={STAGES.map((value) => ({ value, label: t(`stage.${value}`) }))} onChange={(stage) => change({ stage })} />
      <Select
        aria-label={t("filter.next")}
        placeholder={t("filter.next")}
        clearable
        value={filters.next ?? null}
        data={[
          { value: "true", label: t("yes") },
          { value: "false", label: t("no") },
        ]}
        onChange={(next) => change({ next })}
      />
    </div>
    <Chips chips={chips} onClear={() => change(nothing())} />
    </>
  );
}
