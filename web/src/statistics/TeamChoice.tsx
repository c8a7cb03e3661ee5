/* Whose figures: a team's, or of everybody. It holds for every part of the page. */

import { Select } from "@mantine/core";
import { api, body, keys, useQuery } from "../api";
import { useWords } from "../words";
import styles from "./index.module.css";

export function TeamChoice({ team, choose }: { team: number | null; choose: (team: string | null) => void }) {
  const t = useWords("statistics");
  const teams = useQuery({ queryKey: keys.view("teams", "all"), queryFn: () => body(api.GET("/api/v1/teams")) }).data?.items ?? [];
  const shown = teams.filter(({ id, archived }) => !archived || id === team);
  if (shown.length === 0) return null;
  return (
    <Select
      aria-label={t("team")}
      placeholder={t("allTeams")}
      clearable
      className={styles["team"] ?? ""}
      value={team === null ? null : String(team)}
      data={shown.map(({ id, name }) => ({ value: String(id), label: name }))}
      onChange={choose}
    />
  );
}
