/* Clients go to another: for a holiday, because somebody leaves, or because it is better so. Counted before it begins,
   seen while it goes on, undone with one key. */

import { Button } from "@mantine/core";
import { useEffect } from "react";
import { Columns, Icon, Middle, PageHeader, Shown, SidePanel, useFilters } from "../parts";
import { useWords } from "../words";
import { FILTERS, fromOf, whichOf } from "./choice";
import { Going } from "./Going";
import { History, OneHandover } from "./History";
import { People } from "./People";
import { useClienteles, useCounted, useReadAgain, type Clientele } from "./queries";
import { forget, useRun, whenDone } from "./run";
import { Which } from "./Which";
import { Whom } from "./Whom";

export type SetFilters = (some: Partial<Record<(typeof FILTERS)[number], string | null>>) => void;

export default function HandoverPage() {
  const t = useWords("handover");
  const [filters, change] = useFilters(FILTERS);
  const people = useClienteles();
  const from = people.data?.items.find(({ user }) => user === fromOf(filters));
  const run = useRun();
  const again = useReadAgain();
  useEffect(() => whenDone(() => void again()));
  const choose = (user: number | null) => {
    forget();
    change({ ...Object.fromEntries(FILTERS.map((name) => [name, null])), from: user === null ? null : String(user) });
  };
  const one = filters.one && /^\d{1,15}$/.test(filters.one) ? Number(filters.one) : null;
  return (
    <>
      <PageHeader
        title={t("title")}
        {...(from ? { sub: t("from", { name: from.name }) } : {})}
        acts={
          from && (
            <Button leftSection={<Icon name="left" />} onClick={() => choose(null)}>
              {t("another")}
            </Button>
          )
        }
      />
      <Columns>
        <Middle>
          <Shown query={people}>
            {({ items }) =>
              from ? <Form key={from.user} from={from} filters={filters} change={change} people={items} isBusy={run?.state === "running"} /> : <People people={items} choose={choose} />
            }
          </Shown>
          {!from && <History open={one} show={(id) => change({ one: id === null ? null : String(id) })} />}
        </Middle>
        {from && (
          <SidePanel label={t("going")} width={340}>
            <Going from={from} filters={filters} people={people.data?.items ?? []} choose={choose} />
          </SidePanel>
        )}
        {!from && one !== null && <OneHandover key={one} id={one} close={() => change({ one: null })} />}
      </Columns>
    </>
  );
}

interface FormProps {
  from: Clientele;
  filters: ReturnType<typeof useFilters<(typeof FILTERS)[number]>>[0];
  change: SetFilters;
  people: readonly Clientele[];
  isBusy: boolean;
}

function Form({ from, filters, change, people, isBusy }: FormProps) {
  const counted = useCounted(from.user, whichOf(filters));
  return (
    <fieldset disabled={isBusy} style={{ display: "contents" }}>
      <Shown query={counted}>{(all) => <Which counted={all} filters={filters} change={change} />}</Shown>
      <Whom from={from} people={people} filters={filters} change={change} />
    </fieldset>
  );
}
