/* Our own numbers: name, source, route and what came today. A new client who calls a number gets its source. */

import { Anchor, Autocomplete, Button, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";
import { asProblem } from "../../api";
import { useFormats } from "../../formats";
import { Columns, DataTable, Empty, Icon, Middle, Moment, PageHeader, SidePanel, Tag, useFilters, type Column } from "../../parts";
import { useWords } from "../../words";
import { Search } from "../Search";
import { useName, useNumbers, type OurNumber } from "./queries";
import styles from "./index.module.css";

const FILTERS = ["q", "number"] as const;

function routeOf(number: OurNumber): string {
  return `/admin/routing/${encodeURIComponent(number.did)}`;
}

export default function NumbersPage() {
  const t = useWords("numbers");
  const f = useFormats();
  const [filters, change] = useFilters(FILTERS);
  const all = useNumbers();
  const q = (filters.q ?? "").toLowerCase();
  const rows = all.rows?.filter((number) => [number.did, f.phone(number.did), number.name, number.source_name, number.source_kind].some((text) => text?.toLowerCase().includes(q)));
  const chosen = all.rows?.find(({ did }) => did === filters.number);
  const columns = useNumberColumns();
  return (
    <>
      <PageHeader title={t("title")}>
        <Search label={t("search")} value={filters.q} onChange={(q) => change({ q })} />
      </PageHeader>
      <Columns>
        <Middle>
          <DataTable
            label={t("title")}
            columns={columns}
            pages={{ ...all, rows }}
            rowHeight={46}
            keyOf={(number) => number.did}
            current={chosen?.did ?? null}
            onOpen={(number) => change({ number: number.did })}
            empty={
              <Empty icon="numbers" title={t("none")} act={q ? <Button onClick={() => change({ q: null })}>{t("none.all")}</Button> : undefined}>
                {t("none.how")}
              </Empty>
            }
          />
        </Middle>
        {chosen && <OneNumber key={`${chosen.did} ${chosen.version}`} number={chosen} known={all.rows ?? []} close={() => change({ number: null })} />}
      </Columns>
    </>
  );
}

function useNumberColumns(): readonly Column<OurNumber>[] {
  const t = useWords("numbers");
  const f = useFormats();
  return [
    {
      name: "number",
      head: t("number"),
      narrow: "main",
      cell: (number) => (
        <span className={styles.two}>
          <b className="cut">{number.name || f.phone(number.did)}</b>
          {number.name && <small className="cut">{f.phone(number.did)}</small>}
        </span>
      ),
    },
    { name: "source", head: t("source"), narrow: "second", cell: (number) => [number.source_kind, number.source_name].filter(Boolean).join(" · ") },
    {
      name: "route",
      head: t("route"),
      narrow: "none",
      cell: (number) => (number.route === null ? <Tag>{t("route.none")}</Tag> : <Anchor component={Link} to={routeOf(number)}>{number.route_name}</Anchor>),
    },
    { name: "last", head: t("last"), width: "150px", narrow: "none", cell: (number) => number.last_call_at && <Moment at={number.last_call_at} /> },
    {
      name: "today",
      head: t("today"),
      width: "110px",
      isNumber: true,
      narrow: "end",
      cell: (number) => number.calls_today,
    },
  ];
}

function OneNumber({ number, known, close }: { number: OurNumber; known: readonly OurNumber[]; close: () => void }) {
  const t = useWords("numbers");
  const f = useFormats();
  const save = useName();
  const problem = asProblem(save.error);
  const [name, setName] = useState(number.name);
  const [kind, setKind] = useState(number.source_kind ?? "");
  const [source, setSource] = useState(number.source_name ?? "");
  const [note, setNote] = useState(number.note);
  const naming = { name: name.trim(), source_kind: kind.trim() || null, source_name: (kind.trim() && source.trim()) || null, note };
  const isSame = naming.name === number.name && naming.source_kind === number.source_kind && naming.source_name === number.source_name && note === number.note;
  const some = (values: readonly (string | null)[]) => [...new Set(values.filter((value) => value !== null))];
  const send = () => {
    if (!isSame) save.run({ number, naming });
  };
  return (
    <SidePanel
      label={f.phone(number.did)}
      onClose={close}
      foot={
        <Button fullWidth disabled={isSame} loading={save.isPending} onClick={send}>
          {t("save")}
        </Button>
      }
    >
      <form
        className={styles.part}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <TextInput label={t("name")} maxLength={120} value={name} error={problem?.field("name")} onChange={(event) => setName(event.currentTarget.value)} />
        <Autocomplete label={t("kind")} description={t("kind.how")} maxLength={60} value={kind} error={problem?.field("source_kind")} data={some(known.map(({ source_kind }) => source_kind))} onChange={setKind} />
        <Autocomplete label={t("source")} description={t("source.how")} maxLength={60} disabled={!kind.trim()} value={source} error={problem?.field("source_name")} data={some(known.map(({ source_name }) => source_name))} onChange={setSource} />
        <Textarea label={t("note")} autosize minRows={2} maxLength={1000} value={note} error={problem?.field("note")} onChange={(event) => setNote(event.currentTarget.value)} />
        <button type="submit" hidden />
      </form>
      <section className={styles.part}>
        <p>
          {t("calls")} <b>{f.count(number.calls_today)}</b>
        </p>
        <p>{number.route === null ? <span className={styles.quiet}>{t("route.how")}</span> : number.route_name}</p>
        <Button component={Link} to={routeOf(number)} variant="default" leftSection={<Icon name="routing" />}>
          {t(number.route === null ? "route.make" : "route.open")}
        </Button>
      </section>
    </SidePanel>
  );
}
