/* When we work: the company, single numbers, single people. Routes and deadlines follow it. */

import { Button, Select } from "@mantine/core";
import { Link } from "react-router";
import { asProblem } from "../../api";
import { useSession } from "../../app/session";
import { useFormats } from "../../formats";
import { Columns, Empty, Middle, PageHeader, Shown, SidePanel, Tag, useFilters } from "../../parts";
import { useWords } from "../../words";
import { Editor } from "./Editor";
import { useColleagues } from "../../app/colleagues";
import { useHours, useNumbers, useSetHours, type Table, type Whose } from "./queries";
import { USUAL } from "./spans";
import styles from "./index.module.css";

/** `company`, `did:74951234567`, `user:7` */
function keyOf({ did, user }: Whose): string {
  return did !== null ? `did:${did}` : user !== null ? `user:${user}` : "company";
}

function whoseOf(key: string): Whose {
  if (key.startsWith("did:")) return { did: key.slice(4), user: null };
  if (/^user:\d+$/.test(key)) return { did: null, user: Number(key.slice(5)) };
  return { did: null, user: null };
}

export default function HoursPage() {
  const t = useWords("hours");
  const [filters, change] = useFilters(["of"] as const);
  const hours = useHours();
  const whose = whoseOf(filters.of ?? "company");
  return (
    <>
      <PageHeader title={t("title")}>{hours.data && <Tag tone={hours.data.open_now ? "talk" : "plain"}>{t(hours.data.open_now ? "open" : "shut")}</Tag>}</PageHeader>
      <Columns>
        <SidePanel label={t("tables")} side="left" width={300}>
          <List tables={hours.data?.items ?? []} current={keyOf(whose)} choose={(of) => change({ of })} />
        </SidePanel>
        <Middle>
          <Shown query={hours}>{({ items }) => <One key={keyOf(whose)} whose={whose} table={items.find((item) => keyOf(item) === keyOf(whose)) ?? null} />}</Shown>
        </Middle>
      </Columns>
    </>
  );
}

function useNameOf(): (whose: Whose) => string {
  const t = useWords("hours");
  const f = useFormats();
  const people = useColleagues().data?.items ?? [];
  const numbers = useNumbers().data?.items ?? [];
  return ({ did, user }) => {
    if (did !== null) return numbers.find((number) => number.did === did)?.name || f.phone(did);
    if (user !== null) return people.find(({ id }) => id === user)?.name ?? String(user);
    return t("company");
  };
}

function List({ tables, current, choose }: { tables: readonly Table[]; current: string; choose: (key: string) => void }) {
  const t = useWords("hours");
  const f = useFormats();
  const nameOf = useNameOf();
  const people = useColleagues().data?.items ?? [];
  const numbers = useNumbers().data?.items ?? [];
  const shown = new Map<string, Whose>([{ did: null, user: null }, ...tables, whoseOf(current)].map((whose) => [keyOf(whose), whose]));
  const rest = <W extends Whose>(all: readonly W[]) => all.filter((whose) => !shown.has(keyOf(whose)));
  const add = [
    { group: t("numbers"), items: rest(numbers.map(({ did }) => ({ did, user: null }))).map((whose) => ({ value: keyOf(whose), label: nameOf(whose) })) },
    { group: t("people"), items: rest(people.map(({ id }) => ({ did: null, user: id }))).map((whose) => ({ value: keyOf(whose), label: nameOf(whose) })) },
  ].filter(({ items }) => items.length > 0);
  return (
    <>
      <nav className={styles.list} aria-label={t("tables")}>
        {[...shown].map(([key, whose]) => (
          <Link key={key} to={`/admin/hours?of=${encodeURIComponent(key)}`} aria-current={key === current ? "page" : undefined}>
            <b className="cut">{nameOf(whose)}</b>
            <small className="cut">{whose.did !== null ? f.phone(whose.did) : whose.user !== null ? t("person") : t("company.how")}</small>
          </Link>
        ))}
      </nav>
      <div className={styles.add}>
        <Select key={shown.size} aria-label={t("other")} placeholder={t("other")} searchable limit={100} value={null} data={add} onChange={(key) => key && choose(key)} />
      </div>
    </>
  );
}

function One({ whose, table }: { whose: Whose; table: Table | null }) {
  const t = useWords("hours");
  const zone = useSession().who.company_timezone;
  const name = useNameOf()(whose);
  const { set, remove } = useSetHours();
  if (!table) {
    const values = { timezone: zone, week: USUAL.map((day) => [...day]), exceptions: [], company_holidays: true };
    return (
      <Empty
        icon="clock"
        title={t("none", { name })}
        act={
          <Button loading={set.isPending} onClick={() => set.run({ whose, values, before: null })}>
            {t("begin")}
          </Button>
        }
      >
        {t(keyOf(whose) === "company" ? "none.company" : "none.how")}
      </Empty>
    );
  }
  return (
    <>
      <div className={styles.head}>
        <h2>{name}</h2>
      </div>
      <Editor table={table} set={(values) => set.run({ whose, values, before: table })} remove={() => remove.run(table)} problem={asProblem(set.error)} />
    </>
  );
}
