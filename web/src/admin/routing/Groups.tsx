/* The groups that routes ring: who is in them, in which order, and how they are rung. A change holds at once. */

import { ActionIcon, Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem, type ApiProblem } from "../../api";
import { useColleagueChoices } from "../../app/colleagues";
import { Icon, Shown, SidePanel } from "../../parts";
import { useWords } from "../../words";
import { useChangeGroup, useGroups, useMakeGroup, type Group, type GroupBody } from "./queries";
import { raised } from "./steps";
import styles from "./index.module.css";

const STRATEGIES = ["all", "turn", "longest_idle"] as const;
const NEW = "new";

export interface GroupsProps {
  /** Id of the group that is open, `new`, or `all` for the list. */
  open: string;
  show: (open: string | null) => void;
}

export function Groups({ open, show }: GroupsProps) {
  const t = useWords("routing");
  const groups = useGroups();
  const group = groups.data?.items.find(({ id }) => String(id) === open);
  if (open === NEW) return <NewGroup show={show} />;
  if (group) return <OneGroup key={`${group.id} ${group.version}`} group={group} show={show} />;
  return (
    <SidePanel
      label={t("groups")}
      width={340}
      onClose={() => show(null)}
      foot={
        <Button fullWidth leftSection={<Icon name="plus" />} onClick={() => show(NEW)}>
          {t("group.new")}
        </Button>
      }
    >
      <Shown query={groups} isEmpty={({ items }) => items.length === 0} empty={<p className={styles.part}>{t("groups.none")}</p>}>
        {({ items }) => (
          <ul className={styles.groups} aria-label={t("groups")}>
            {items.map((one) => (
              <li key={one.id}>
                <button type="button" onClick={() => show(String(one.id))}>
                  <b className="cut">{one.name}</b>
                  <small>
                    {t(`strategy.${one.strategy}`)} · {t("members", { count: one.members.length })}
                  </small>
                </button>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </SidePanel>
  );
}

function NewGroup({ show }: { show: (open: string | null) => void }) {
  const t = useWords("routing");
  const [group, setGroup] = useState<GroupBody>({ name: "", strategy: "all", members: [] });
  const make = useMakeGroup((made) => show(String(made.id)));
  const isReady = group.name.trim() !== "" && group.members.length > 0;
  return (
    <SidePanel
      label={t("group.new")}
      width={340}
      onClose={() => show("all")}
      foot={
        <Button variant="filled" fullWidth loading={make.isPending} disabled={!isReady} onClick={() => make.run({ ...group, name: group.name.trim() })}>
          {t("group.make")}
        </Button>
      }
    >
      <Fields group={group} set={(some) => setGroup({ ...group, ...some })} problem={asProblem(make.error)} />
    </SidePanel>
  );
}

function OneGroup({ group, show }: { group: Group; show: (open: string | null) => void }) {
  const t = useWords("routing");
  const [name, setName] = useState(group.name);
  const change = useChangeGroup();
  const archive = useChangeGroup(() => show("all"));
  const problem = asProblem(change.error ?? archive.error);
  const set = (some: Partial<GroupBody>) => change.run({ group, change: some });
  const rename = () => {
    if (name.trim() && name.trim() !== group.name) set({ name: name.trim() });
  };
  return (
    <SidePanel
      label={group.name}
      width={340}
      onClose={() => show("all")}
      foot={
        <Button fullWidth loading={archive.isPending} onClick={() => archive.run({ group, change: { archived: true } })}>
          {t("group.drop")}
        </Button>
      }
    >
      <Fields
        group={{ ...group, name, members: [...group.members] }}
        set={({ name: typed, ...rest }) => {
          if (typed !== undefined) setName(typed);
          if (Object.keys(rest).length > 0) set(rest);
        }}
        leave={rename}
        problem={problem}
      />
    </SidePanel>
  );
}

interface FieldsProps {
  group: GroupBody;
  set: (some: Partial<GroupBody>) => void;
  /** The name is left. */
  leave?: () => void;
  problem: ApiProblem | null;
}

function Fields({ group, set, leave, problem }: FieldsProps) {
  const t = useWords("routing");
  const people = useColleagueChoices();
  const nameOf = (user: number) => people.find(({ value }) => value === String(user))?.label ?? `${user}`;
  const free = people.filter(({ value }) => !group.members.includes(Number(value)));
  const { members } = group;
  const ofMembers = problem?.within("members");
  return (
    <div className={styles.part}>
      <TextInput label={t("name")} maxLength={120} value={group.name} error={problem?.field("name")} onChange={(event) => set({ name: event.currentTarget.value })} onBlur={leave} />
      <div className={styles.field}>
        <span className={styles.label}>{t("strategy")}</span>
        <SegmentedControl
          size="xs"
          aria-label={t("strategy")}
          value={group.strategy}
          data={STRATEGIES.map((value) => ({ value, label: t(`strategy.${value}`) }))}
          onChange={(value) => set({ strategy: STRATEGIES.find((some) => some === value) ?? "all" })}
        />
        <small className={styles.quiet}>{t(`strategy.how.${group.strategy}`)}</small>
      </div>
      <ol className={styles.members} aria-label={t("group.members")}>
        {members.map((user, at) => (
          <li key={user}>
            <span className={styles.at}>{at + 1}</span>
            <span className="cut">{nameOf(user)}</span>
            <ActionIcon variant="subtle" color="gray" disabled={at === 0} aria-label={t("raise", { name: nameOf(user) })} onClick={() => set({ members: raised(members, at) })}>
              <Icon name="arrowUp" />
            </ActionIcon>
            <ActionIcon variant="subtle" color="gray" disabled={members.length === 1} aria-label={t("drop", { name: nameOf(user) })} onClick={() => set({ members: members.filter((one) => one !== user) })}>
              <Icon name="close" />
            </ActionIcon>
          </li>
        ))}
      </ol>
      <Select
        key={members.length}
        aria-label={t("group.add")}
        placeholder={t("group.add")}
        searchable
        value={null}
        data={free}
        error={ofMembers}
        leftSection={<Icon name="plus" />}
        onChange={(value) => value && set({ members: [...members, Number(value)] })}
      />
      {problem?.errors.length === 0 && (
        <p role="alert" className={styles.fault}>
          {problem.detail}
        </p>
      )}
    </div>
  );
}
