/* Who gets the clients, what goes along, and until when. */

import { Button, MultiSelect, SegmentedControl, Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { api, body, keys, useQuery } from "../api";
import { DayField, Panel, useMinute } from "../parts";
import { useFormats } from "../formats";
import { useWords } from "../words";
import { receivers, wayOf, WAYS, type Filters } from "./choice";
import type { SetFilters } from "./index";
import type { Clientele } from "./queries";
import styles from "./index.module.css";

const DAY_MS = 86_400_000;

export function Whom({ from, people, filters, change }: { from: Clientele; people: readonly Clientele[]; filters: Filters; change: SetFilters }) {
  const t = useWords("handover");
  const f = useFormats();
  const way = wayOf(filters);
  const chosen = receivers(filters).map(String);
  const others = people.filter((one) => one.active && one.user !== from.user).sort((one, other) => f.byName(one.name, other.name));
  const data = others.map((one) => ({ value: String(one.user), label: `${one.name} (${t("has", { count: one.cards })})` }));
  const tomorrow = f.isoDay(useMinute() + DAY_MS);
  return (
    <>
      <Panel title={t("whom")} isPadded>
        <div className={styles["fields"]}>
          <SegmentedControl
            aria-label={t("way")}
            className={styles["way"] ?? ""}
            value={way}
            data={WAYS.map((value) => ({ value, label: t(`way.${value}`) }))}
            onChange={(value) => change({ way: value === "one" ? null : value, ...(value === "rules" ? { to: null } : {}) })}
          />
          {way === "one" && (
            <Select label={t("to")} searchable maw={520} value={chosen[0] ?? null} data={data} placeholder={t("to.choose")} onChange={(to) => change({ to })} />
          )}
          {way === "shared" && (
            <>
              <MultiSelect label={t("among")} searchable maw={520} value={chosen} data={data} placeholder={chosen.length ? undefined : t("to.choose")} onChange={(to) => change({ to: to.join(",") || null })} />
              <Teams others={others} take={(users) => change({ to: users.join(",") || null })} />
            </>
          )}
          {way === "rules" && <p className={styles["quiet"]}>{t("rules.how")}</p>}
        </div>
      </Panel>
      <Panel title={t("how")} isPadded>
        <div className={styles["fields"]}>
          <div className={styles["line"]}>
            <Switch label={t("tasks")} checked={filters.tasks !== "stay"} onChange={(event) => change({ tasks: event.currentTarget.checked ? null : "stay" })} />
            <Switch label={t("planned")} checked={filters.planned !== "stay"} onChange={(event) => change({ planned: event.currentTarget.checked ? null : "stay" })} />
          </div>
          <div className={styles["line"]}>
            <DayField label={t("until")} description={t("until.how")} width={200} min={tomorrow} value={filters.until ?? null} onChange={(until) => change({ until })} />
            <Why value={filters.why ?? ""} set={(why) => change({ why: why || null })} />
          </div>
        </div>
      </Panel>
    </>
  );
}

/** All of a team with one click. */
function Teams({ others, take }: { others: readonly Clientele[]; take: (users: number[]) => void }) {
  const t = useWords("handover");
  const teams = useQuery({ queryKey: keys.view("teams", "all"), queryFn: () => body(api.GET("/api/v1/teams")) }).data?.items ?? [];
  const rows = teams.flatMap((team) => {
    const users = others.map(({ user }) => user).filter((user) => team.members.some((member) => member.user === user && member.until === null));
    return team.archived || users.length === 0 ? [] : [{ team, users }];
  });
  if (rows.length === 0) return null;
  return (
    <div className={styles["choice"]} role="group" aria-label={t("team")}>
      <span className={styles["label"]}>{t("team")}</span>
      <div>
        {rows.map(({ team, users }) => (
          <Button key={team.id} size="xs" onClick={() => take(users)}>
            {team.name} <span className={styles["n"]}>{users.length}</span>
          </Button>
        ))}
      </div>
    </div>
  );
}

/** Written into the address when the field is left, so that the text is not cut while it is typed. */
function Why({ value, set }: { value: string; set: (why: string) => void }) {
  const t = useWords("handover");
  const [text, setText] = useState(value);
  return (
    <TextInput
      label={t("why")}
      description={t("why.how")}
      maxLength={200}
      className={styles["why"] ?? ""}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={() => set(text.trim())}
    />
  );
}
