/* Whom calls to our numbers ring: the numbers at the left, the steps of the chosen one, and a place to try it. */

import { Button, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { asProblem } from "../../api";
import { useFormats } from "../../formats";
import { Columns, Empty, Icon, Middle, Moment, PageHeader, Panel, Shown, SidePanel, Tag } from "../../parts";
import { useWords } from "../../words";
import { Groups } from "./Groups";
import { NewRoute } from "./NewRoute";
import { useChangeRoute, useNumbers, useRoutes, type Route } from "./queries";
import { Side } from "./Side";
import { Steps } from "./Steps";
import { Through } from "./Through";
import styles from "./index.module.css";

const NEW = "new";

function addressOf(route: Pick<Route, "id" | "did">): string {
  return `/admin/routing/${encodeURIComponent(route.did ?? String(route.id))}`;
}

export default function RoutingPage() {
  const t = useWords("routing");
  const navigate = useNavigate();
  const { did } = useParams();
  const [search, setSearch] = useSearchParams();
  const group = search.get("group");
  const showGroup = (open: string | null) => setSearch(open === null ? {} : { group: open }, { replace: true });
  const routes = useRoutes();
  const known = useNumbers().data?.items.find((number) => number.did === did);
  const items = routes.data?.items ?? [];
  const route = items.find((some) => some.did === did) ?? items.find((some) => some.did === null && String(some.id) === did) ?? (did ? undefined : items[0]);
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={
          <>
            <Button leftSection={<Icon name="clients" />} onClick={() => showGroup("all")}>
              {t("groups")}
            </Button>
            <Button component={Link} to={`/admin/routing/${NEW}`} leftSection={<Icon name="plus" />}>
              {t("new")}
            </Button>
          </>
        }
      />
      <Columns>
        <SidePanel label={t("numbers")} side="left" width={300}>
          <List routes={items} current={route ? addressOf(route) : `/admin/routing/${encodeURIComponent(did ?? "")}`} />
        </SidePanel>
        <Middle>
          <Shown query={routes}>
            {() =>
              route ? (
                <OneRoute key={route.id} route={route} showGroup={showGroup} />
              ) : did ? (
                <NewRoute key={did} did={did === NEW ? "" : did} name={known?.name ?? ""} open={(made) => void navigate(addressOf(made))} />
              ) : (
                <Empty icon="routing" title={t("none")} act={<Button onClick={() => void navigate(`/admin/routing/${NEW}`)}>{t("new")}</Button>}>
                  {t("unrouted")}
                </Empty>
              )
            }
          </Shown>
        </Middle>
        {group !== null ? <Groups open={group} show={showGroup} /> : route && <Side route={route} />}
      </Columns>
    </>
  );
}

/** Every number with what came to it today, and the routes that are reached only from others. */
function List({ routes, current }: { routes: readonly Route[]; current: string }) {
  const t = useWords("routing");
  const f = useFormats();
  const numbers = useNumbers();
  const [text, setText] = useState("");
  const q = text.trim().toLowerCase();
  const given = numbers.data?.items ?? [];
  const rows = [
    ...routes.map((route) => {
      const number = given.find((some) => some.did === route.did);
      return { to: addressOf(route), name: route.name, did: route.did, source: number?.source_name ?? number?.source_kind, calls: number?.calls_today, isRouted: true };
    }),
    ...given
      .filter(({ did }) => !routes.some((route) => route.did === did))
      .map((number) => ({ to: addressOf({ id: 0, did: number.did }), name: number.name || f.phone(number.did), did: number.did, source: number.source_name ?? number.source_kind, calls: number.calls_today, isRouted: number.route !== null })),
  ].filter((row) => [row.name, row.did, row.source].some((part) => part?.toLowerCase().includes(q)));
  const numberOf = (did: string | null) => (did === null ? t("did.none") : did === "*" ? t("did.all") : f.phone(did));
  return (
    <>
      <div className={styles.search}>
        <TextInput data-filter type="search" aria-label={t("search")} placeholder={t("search")} leftSection={<Icon name="search" />} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      </div>
      <nav className={styles.list} aria-label={t("numbers")}>
        {rows.map((row) => (
          <Link key={row.to} to={row.to} aria-current={row.to === current ? "page" : undefined}>
            <span>
              <b className="cut">{row.name}</b>
              <small className="cut">{[numberOf(row.did), row.source].filter(Boolean).join(" · ")}</small>
              {!row.isRouted && <Tag tone="warn">{t("routed.not")}</Tag>}
            </span>
            {row.calls !== undefined && (
              <div className={styles.count}>
                <b>{f.count(row.calls)}</b>
                <small>{t("today")}</small>
              </div>
            )}
          </Link>
        ))}
      </nav>
    </>
  );
}

function OneRoute({ route, showGroup }: { route: Route; showGroup: (open: string) => void }) {
  const t = useWords("routing");
  const f = useFormats();
  const change = useChangeRoute();
  const problem = asProblem(change.error);
  const faultOf = (list: string) => problem?.within(list) ?? null;
  const set = (some: Parameters<typeof change.run>[0]["change"]) => change.run({ route, change: some });
  return (
    <>
      <div className={styles.head}>
        <h2>{route.name}</h2>
        <span className={styles.quiet}>{route.did === null ? t("did.none") : route.did === "*" ? t("did.all") : f.phone(route.did)}</span>
        <small>
          {t("changed.at")} <Moment at={route.changed_at} />
        </small>
      </div>
      <Steps title={t("open")} route={route} steps={route.steps} fault={faultOf("steps")} showGroup={showGroup} change={(steps) => set({ steps })} />
      <Steps title={t("closed")} route={route} steps={route.closed_steps} fault={faultOf("closed_steps")} showGroup={showGroup} change={(steps) => set({ closed_steps: steps })} />
      <Panel title={t("recording")} isPadded>
        <div className={styles.fields}>
          <Switch label={t("record")} checked={route.record} onChange={(event) => set({ record: event.currentTarget.checked })} />
          <Switch label={t("notice")} description={t("notice.how")} checked={route.notice} onChange={(event) => set({ notice: event.currentTarget.checked })} />
        </div>
      </Panel>
      <Through route={route} />
    </>
  );
}
