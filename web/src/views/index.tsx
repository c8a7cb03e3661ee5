/* Saved views of a list: open one, keep the present filters under a name, rename, bring up to date, remove with Undo. */

import { ActionIcon, Button, Popover, SegmentedControl, Select, TextInput, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useSession } from "../app/session";
import { Icon } from "../parts";
import { useWords } from "../words";
import { useChangeView, useDropView, useKeep, useOwnTeams, useViews, type View } from "./queries";
import { addressOf, areSame, filtersOf, type ListName } from "./views";
import styles from "./index.module.css";

export interface SavedViewsProps {
  list: ListName;
  /** Names of the filters that a view holds. */
  names: readonly string[];
  filters: Readonly<Partial<Record<string, string>>>;
}

export function SavedViews({ list, names, filters }: SavedViewsProps) {
  const t = useWords("views");
  const [isOpen, setOpen] = useState(false);
  const [search] = useSearchParams();
  const views = useViews();
  const present = Object.fromEntries(names.flatMap((name) => (filters[name] ? [[name, filters[name]]] : []))) as Record<string, string>;
  const ours = (views.data?.items ?? []).filter((view) => view.list === list);
  const opened = ours.find((view) => String(view.id) === search.get("view"));
  const isChanged = opened !== undefined && !areSame(filtersOf(opened.query), present);
  return (
    <Popover position="bottom-end" opened={isOpen} onChange={setOpen} trapFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<Icon name="bookmark" />} rightSection={<Icon name="down" size={12} />} onClick={() => setOpen(!isOpen)} className={styles.target ?? ""}>
          <span className="cut">{opened ? opened.name : t("views")}</span>
          {isChanged && <small className={styles.changed}>{t("differs")}</small>}
        </Button>
      </Popover.Target>
      <Popover.Dropdown className={styles.drop ?? ""} aria-label={t("views")}>
        <List views={ours} opened={opened} close={() => setOpen(false)} />
        {opened?.mine && isChanged && <Update view={opened} filters={present} />}
        <Keep list={list} filters={present} close={() => setOpen(false)} />
      </Popover.Dropdown>
    </Popover>
  );
}

function List({ views, opened, close }: { views: readonly View[]; opened: View | undefined; close: () => void }) {
  const t = useWords("views");
  const [renamed, rename] = useState<number | null>(null);
  const groups = [...new Set(views.map((view) => view.team_name))];
  if (views.length === 0) return <p className="dim">{t("none")}</p>;
  return groups.map((team) => (
    <section key={team ?? ""} aria-label={team ?? t("mine")}>
      <h2>{team ?? t("mine")}</h2>
      <ul className={styles.list}>
        {views
          .filter((view) => view.team_name === team)
          .map((view) =>
            renamed === view.id ? (
              <Rename key={view.id} view={view} done={() => rename(null)} />
            ) : (
              <Row key={view.id} view={view} isOpened={view === opened} close={close} rename={() => rename(view.id)} />
            ),
          )}
      </ul>
    </section>
  ));
}

function Row({ view, isOpened, close, rename }: { view: View; isOpened: boolean; close: () => void; rename: () => void }) {
  const t = useWords("views");
  const navigate = useNavigate();
  const drop = useDropView();
  const address = addressOf(view);
  return (
    <li className={styles.row}>
      <UnstyledButton
        className={styles.name ?? ""}
        aria-current={isOpened || undefined}
        onClick={() => {
          close();
          if (address) void navigate(address);
        }}
      >
        <span className="cut">{view.name}</span>
        {!view.mine && <small className="cut dim">{view.owner_name}</small>}
      </UnstyledButton>
      {view.mine && (
        <>
          <ActionIcon variant="subtle" aria-label={t("rename.of", { name: view.name })} onClick={rename}>
            <Icon name="edit" size={14} />
          </ActionIcon>
          <ActionIcon variant="subtle" aria-label={t("drop.of", { name: view.name })} onClick={() => drop.run(view)}>
            <Icon name="trash" size={14} />
          </ActionIcon>
        </>
      )}
    </li>
  );
}

function Rename({ view, done }: { view: View; done: () => void }) {
  const t = useWords("views");
  const [name, setName] = useState(view.name);
  const change = useChangeView(done);
  const send = () => {
    const wanted = name.trim();
    if (wanted && wanted !== view.name) change.run({ view, name: wanted });
    else done();
  };
  return (
    <li>
      <form
        className={styles.keep}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <TextInput data-autofocus aria-label={t("name")} value={name} maxLength={80} onChange={(event) => setName(event.currentTarget.value)} />
        <Button type="submit" size="xs" loading={change.isPending}>
          {t("rename")}
        </Button>
      </form>
    </li>
  );
}

/** The opened view gets the present filters. */
function Update({ view, filters }: { view: View; filters: Readonly<Record<string, string>> }) {
  const t = useWords("views");
  const change = useChangeView(() => undefined);
  return (
    <Button variant="light" size="xs" fullWidth loading={change.isPending} onClick={() => change.run({ view, filters })}>
      {t("update", { name: view.name })}
    </Button>
  );
}

/** The present filters under a name, for oneself or for a team. */
function Keep({ list, filters, close }: { list: ListName; filters: Readonly<Record<string, string>>; close: () => void }) {
  const t = useWords("views");
  const session = useSession();
  const navigate = useNavigate();
  const teams = useOwnTeams(session.userId, session.may("goals.manage"), session.may("statistics.read_own"));
  const [name, setName] = useState("");
  const [whose, setWhose] = useState<"mine" | "team">("mine");
  const [team, setTeam] = useState<string | null>(null);
  const keep = useKeep((view) => {
    setName("");
    close();
    const address = addressOf(view);
    if (address) void navigate(address, { replace: true });
  });
  const chosen = whose === "team" ? (team ?? (teams[0] ? String(teams[0].id) : null)) : null;
  const isReady = name.trim() !== "" && (whose === "mine" || chosen !== null);
  return (
    <form
      className={styles.form}
      aria-label={t("keep")}
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) keep.run({ list, name: name.trim(), filters, team: chosen === null ? null : Number(chosen) });
      }}
    >
      <h2>{t("keep")}</h2>
      {teams.length > 0 && (
        <SegmentedControl
          fullWidth
          size="xs"
          aria-label={t("whose")}
          value={whose}
          data={[
            { value: "mine", label: t("forMe") },
            { value: "team", label: t("forTeam") },
          ]}
          onChange={(value) => setWhose(value === "team" ? "team" : "mine")}
        />
      )}
      {whose === "team" && (
        <Select aria-label={t("team")} allowDeselect={false} comboboxProps={{ withinPortal: false }} value={chosen} data={teams.map(({ id, name: called }) => ({ value: String(id), label: called }))} onChange={setTeam} />
      )}
      <div className={styles.keep}>
        <TextInput data-autofocus aria-label={t("name")} placeholder={t("name")} value={name} maxLength={80} onChange={(event) => setName(event.currentTarget.value)} />
        <Button type="submit" disabled={!isReady} loading={keep.isPending}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}
