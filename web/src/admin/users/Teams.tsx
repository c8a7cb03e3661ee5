/* The teams: their names, heads and people. Figures, goals, views and the board go by them. */

import { ActionIcon, Button, MultiSelect, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../api";
import { useColleagueChoices } from "../../app/colleagues";
import { SavedText } from "../../drafts";
import { useFormats } from "../../formats";
import { Empty, Icon, Panel, Shown, SidePanel, useMinute } from "../../parts";
import { useWords } from "../../words";
import { isIn, isNow, joined, left } from "./membership";
import { readTeam, useChangeTeam, useMakeTeam, useSendTeam, useTeams, type Team } from "./queries";
import styles from "./index.module.css";

export interface TeamsProps {
  /** Id of the team that is open, or `new`. */
  open: string | undefined;
  show: (team: string | null) => void;
}

function useNameOf(): (user: number | null) => string | undefined {
  const people = useColleagueChoices();
  return (user) => people.find(({ value }) => value === String(user))?.label;
}

export function TeamList({ open, show }: TeamsProps) {
  const t = useWords("users");
  const f = useFormats();
  const today = f.isoDay(useMinute());
  const teams = useTeams();
  const nameOf = useNameOf();
  const make = (
    <Button leftSection={<Icon name="plus" />} onClick={() => show("new")}>
      {t("team.new")}
    </Button>
  );
  return (
    <Panel title={t("teams")} sub={t("teams.how")}>
      <Shown query={teams} isEmpty={({ items }) => items.length === 0} empty={<Empty icon="clients" title={t("teams.none")} act={make} />}>
        {({ items }) => (
          <ul className={styles.teams} aria-label={t("teams")}>
            {items.map((team) => (
              <li key={team.id} data-open={String(team.id) === open || undefined}>
                <button type="button" aria-expanded={String(team.id) === open} onClick={() => show(String(team.id))}>
                  <b className="cut">{team.name}</b>
                  <small className="cut">{team.head === null ? t("head.none") : t("head.is", { name: nameOf(team.head) ?? team.head })}</small>
                </button>
                <span>{t("team.people", { count: team.members.filter((member) => isNow(member, today)).length })}</span>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Panel>
  );
}

export function TeamPanel({ open, show }: TeamsProps) {
  const teams = useTeams();
  const team = teams.data?.items.find(({ id }) => String(id) === open);
  if (open === "new") return <NewTeam show={show} />;
  return team ? <OneTeam key={team.id} team={team} close={() => show(null)} /> : null;
}

function NewTeam({ show }: { show: (team: string | null) => void }) {
  const t = useWords("users");
  const people = useColleagueChoices();
  const [name, setName] = useState("");
  const [head, setHead] = useState<string | null>(null);
  const [members, setMembers] = useState<string[]>([]);
  const make = useMakeTeam((team) => show(String(team.id)));
  const problem = asProblem(make.error);
  const taken = problem?.status === 409 ? problem.detail : null;
  const isReady = name.trim() !== "";
  const send = () => {
    if (isReady) make.run({ name: name.trim(), head: head === null ? null : Number(head), members: members.map((user) => ({ user: Number(user), since: null, until: null })) });
  };
  return (
    <SidePanel
      label={t("team.new")}
      onClose={() => show(null)}
      foot={
        <Button fullWidth disabled={!isReady} loading={make.isPending} onClick={send}>
          {t("team.make")}
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
        <TextInput data-autofocus label={t("team.name")} maxLength={120} autoComplete="off" value={name} error={taken ?? problem?.field("name")} onChange={(event) => setName(event.currentTarget.value)} />
        <Select label={t("head")} description={t("head.how")} clearable searchable value={head} data={people} error={problem?.field("head")} onChange={setHead} />
        <MultiSelect label={t("members")} description={t("members.new")} searchable value={members} data={people} error={problem?.within("members")} onChange={setMembers} />
        {problem?.errors.length === 0 && taken === null && (
          <p role="alert" className={styles.fault}>
            {problem.detail}
          </p>
        )}
        <button type="submit" hidden />
      </form>
    </SidePanel>
  );
}

function OneTeam({ team, close }: { team: Team; close: () => void }) {
  const t = useWords("users");
  const f = useFormats();
  const today = f.isoDay(useMinute());
  const people = useColleagueChoices();
  const nameOf = useNameOf();
  const change = useChangeTeam();
  const archive = useChangeTeam(close);
  const set = useSendTeam();
  const problem = asProblem(change.error);
  const now = team.members.filter((member) => isNow(member, today));
  const gone = team.members.filter((member) => !isNow(member, today));
  const day = (at: string | null) => (at === null ? t("ever") : f.shortDay(`${at}T12:00:00`));
  return (
    <SidePanel
      label={team.name}
      onClose={close}
      foot={
        <Button fullWidth variant="default" leftSection={<Icon name="archive" />} loading={archive.isPending} onClick={() => archive.run({ team, change: { archived: true }, said: t("team.archived", { team: team.name }) })}>
          {t("team.archive")}
        </Button>
      }
    >
      <section className={styles.part}>
        <SavedText
          label={t("team.name")}
          maxLength={120}
          id={`team/${team.id}/name`}
          field="name"
          value={team.name}
          version={team.version}
          save={(name, version) => set(team.id, { name, version })}
          refresh={async () => {
            const fresh = await readTeam(team.id);
            return { value: fresh.name, version: fresh.version };
          }}
        />
        <Select
          label={t("head")}
          description={t("head.how")}
          clearable
          searchable
          value={team.head === null ? null : String(team.head)}
          data={people}
          error={problem?.field("head")}
          onChange={(head) => change.run({ team, change: { head: head === null ? null : Number(head) } })}
        />
      </section>
      <section className={styles.part} aria-label={t("members")}>
        <h3>{t("members")}</h3>
        {now.length === 0 && <p className={styles.quiet}>{t("members.none")}</p>}
        <ul className={styles.members}>
          {now.map((member) => (
            <li key={`${member.user} ${member.since ?? ""}`}>
              <span className="cut">{nameOf(member.user) ?? member.user}</span>
              <small>{t("member.since", { day: day(member.since) })}</small>
              <ActionIcon variant="subtle" color="gray" aria-label={t("member.drop", { name: nameOf(member.user) ?? member.user })} onClick={() => change.run({ team, change: { members: left(team.members, member.user, today) } })}>
                <Icon name="close" />
              </ActionIcon>
            </li>
          ))}
        </ul>
        <Select
          key={now.length}
          aria-label={t("member.add")}
          placeholder={t("member.add")}
          searchable
          value={null}
          leftSection={<Icon name="plus" />}
          data={people.filter(({ value }) => !isIn(team.members, Number(value), today))}
          error={problem?.within("members")}
          onChange={(user) => user && change.run({ team, change: { members: joined(team.members, Number(user), today) } })}
        />
        <p className={styles.quiet}>{t("members.how")}</p>
      </section>
      {gone.length > 0 && (
        <section className={styles.part} aria-label={t("members.gone")}>
          <h3>{t("members.gone")}</h3>
          <ul className={styles.members}>
            {gone.map((member) => (
              <li key={`${member.user} ${member.since ?? ""}`}>
                <span className="cut">{nameOf(member.user) ?? member.user}</span>
                <small>
                  {day(member.since)} – {day(member.until)}
                </small>
              </li>
            ))}
          </ul>
        </section>
      )}
    </SidePanel>
  );
}
