/* Everybody who signs in, with role, teams, extensions and phones. */

import { Button, SegmentedControl } from "@mantine/core";
import { Suspense } from "react";
import { useFormats } from "../../formats";
import { useFilters, Columns, DataTable, Empty, Icon, Middle, PageHeader, Tag, useMinute, type Column } from "../../parts";
import { late } from "../../parts/late";
import { useWords } from "../../words";
import { Search } from "../Search";
import { isIn } from "./membership";
import { usePbxs, useTeams, useUsers, type User } from "./queries";
import styles from "./index.module.css";

// Their fields weigh more than the list; they come when somebody is opened.
const NewUser = late(() => import("./NewUser"));
const OneUser = late(() => import("./OneUser"));
const TeamList = late(async () => ({ default: (await import("./Teams")).TeamList }));
const TeamPanel = late(async () => ({ default: (await import("./Teams")).TeamPanel }));

const FILTERS = ["q", "show", "user", "team"] as const;
const SHOWN = ["active", "blocked", "teams"] as const;

export default function UsersPage() {
  const t = useWords("users");
  const [filters, change] = useFilters(FILTERS);
  const q = (filters.q ?? "").toLowerCase();
  const shows = SHOWN.find((some) => some === filters.show) ?? "active";
  const isBlocked = shows === "blocked";
  const showTeam = (team: string | null) => change({ team, show: "teams" });
  const all = useUsers();
  const rows = all.rows?.filter(
    (user) => user.active !== isBlocked && [user.name, user.login, ...user.extensions.map(({ extension }) => extension)].some((text) => text.toLowerCase().includes(q)),
  );
  const pbxs = usePbxs(all.rows ?? []);
  const columns = useUserColumns();
  const chosen = all.rows?.find((user) => String(user.id) === filters.user);
  const close = () => change({ user: null });
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={
          shows === "teams" ? (
            <Button leftSection={<Icon name="plus" />} onClick={() => showTeam("new")}>
              {t("team.new")}
            </Button>
          ) : (
            <Button leftSection={<Icon name="plus" />} onClick={() => change({ user: "new" })}>
              {t("new")}
            </Button>
          )
        }
      >
        {shows !== "teams" && (
          <Search label={t("search")} value={filters.q} onChange={(q) => change({ q })} />
        )}
        <SegmentedControl
          aria-label={t("shown")}
          value={shows}
          data={SHOWN.map((value) => ({ value, label: t(`show.${value}`) }))}
          onChange={(value) => change({ show: value === "active" ? null : value, user: null, team: null })}
        />
      </PageHeader>
      <Columns>
        <Middle>
          {shows === "teams" ? (
            <Suspense>
              <TeamList open={filters.team} show={showTeam} />
            </Suspense>
          ) : (
            <DataTable
              label={t("title")}
              columns={columns}
              pages={{ ...all, rows }}
              rowHeight={46}
              keyOf={(user) => user.id}
              current={chosen?.id ?? null}
              onOpen={(user) => change({ user: String(user.id) })}
              empty={<Empty icon="clients" title={t("none")} act={q || isBlocked ? <Button onClick={() => change({ q: null, show: null })}>{t("none.all")}</Button> : undefined} />}
            />
          )}
        </Middle>
        <Suspense>
          {shows === "teams" && <TeamPanel open={filters.team} show={(team) => change({ team })} />}
          {filters.user === "new" && <NewUser close={close} open={(id) => change({ user: String(id) })} />}
          {chosen && <OneUser key={chosen.id} user={chosen} pbxs={pbxs} close={close} />}
        </Suspense>
      </Columns>
    </>
  );
}

function useUserColumns(): readonly Column<User>[] {
  const t = useWords("users");
  const today = useFormats().isoDay(useMinute());
  const teams = useTeams().data?.items ?? [];
  const teamsOf = (user: User) =>
    teams.filter((team) => isIn(team.members, user.id, today)).map(({ name }) => name);
  return [
    {
      name: "name",
      head: t("name"),
      narrow: "main",
      cell: (user) => (
        <span className={styles.two}>
          <b className="cut">{user.name}</b>
          <small className="cut">{user.login}</small>
        </span>
      ),
    },
    { name: "role", head: t("role"), width: "128px", narrow: "end", cell: (user) => t(`role.${user.role}`) },
    { name: "teams", head: t("teams"), width: "18%", narrow: "none", cell: (user) => teamsOf(user).join(", ") },
    {
      name: "extensions",
      head: t("extensions"),
      width: "18%",
      narrow: "second",
      cell: (user) => user.extensions.map(({ pbx, extension }) => `${extension} ${pbx}`).join(", ") || t("extensions.none"),
    },
    { name: "password", head: t("signs"), width: "140px", narrow: "none", cell: (user) => !user.active ? <Tag tone="miss">{t("blocked")}</Tag> : !user.has_password ? <Tag>{t("password.none")}</Tag> : <Tag tone="talk">{t("signs.yes")}</Tag> },
  ];
}
