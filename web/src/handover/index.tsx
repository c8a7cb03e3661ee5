/* Clients go to another: for a holiday, because somebody leaves, or because it is better so. Counted before it begins,
   seen while it goes on, undone with one key. */

import { Button } from "@mantine/core";
import { Columns, Icon, Middle, PageHeader, Shown, SidePanel, useFilters } from "../parts";
import { useWords } from "../words";
import { FILTERS, fromOf, oneOf, whichOf } from "./choice";
import { Going } from "./Going";
import { History, OneHandover } from "./History";
import { People } from "./People";
import { useClienteles, useCounted, useHandover, type Clientele } from "./queries";
import { Which } from "./Which";
import { Whom } from "./Whom";

export type SetFilters = (some: Partial<Record<(typeof FILTERS)[number], string | null>>) => void;

export default function HandoverPage() {
  const t = useWords("handover");
  const [filters, change] = useFilters(FILTERS);
  const people = useClienteles();
  const from = people.data?.items.find(({ user }) => user === fromOf(filters));
  const one = oneOf(filters);
  const shown = useHandover(from ? one : null).data;
  const isBusy = shown?.state === "going" && shown.from === from?.user;
  const choose = (user: number | null) => {
    change({ ...Object.fromEntries(FILTERS.map((name) => [name, null])), from: user === null ? null : String(user) });
  };
  const show = (id: number | null) => change({ one: id === null ? null : String(id) });
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
              from ? <Form key={from.user} from={from} filters={filters} change={change} people={items} isBusy={isBusy} /> : <People people={items} choose={choose} />
            }
          </Shown>
          {!from && <History open={one} show={show} />}
        </Middle>
        {from && (
          <SidePanel label={t("going")} width={340}>
            <Going from={from} filters={filters} people={people.data?.items ?? []} choose={choose} show={show} />
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
