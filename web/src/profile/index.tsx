/* Oneself: how one is called, language and clock, the password, and where one is signed in. */

import { Button, PasswordInput, Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { api, asProblem, body, done, keys, useAct, useQuery, useQueryClient, type Schemas } from "../api";
import { usePreference } from "../app/preferences";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { openKeys } from "../keyboard";
import { Columns, Icon, Middle, Moment, PageHeader, Panel, Shown, Tag, useTellFault, useToast } from "../parts";
import { LANGUAGE_NAMES, LANGUAGES, useWords } from "../words";
import { COUNTRIES, countryNames, zones } from "./places";
import styles from "./index.module.css";

const THEMES = ["auto", "light", "dark"] as const;

export default function ProfilePage() {
  const t = useWords("profile");
  const { who } = useSession();
  return (
    <>
      <PageHeader title={t("title")} sub={who.user?.login} />
      <Columns>
        <Middle>
          <div className={styles.page}>
            {who.user && <Own />}
            {who.user && <Password />}
            <Keyboard />
            <Sessions />
          </div>
        </Middle>
      </Columns>
    </>
  );
}

type Profile = Schemas["ProfileView"];
type Change = Omit<Schemas["ProfileChange"], "version">;

function Own() {
  const t = useWords("profile");
  const profile = useQuery({ queryKey: keys.one("profile", "me"), queryFn: () => body(api.GET("/api/v1/me")) });
  return (
    <Panel title={t("own")} isPadded>
      <Shown query={profile}>{(found) => <OwnFields profile={found} />}</Shown>
    </Panel>
  );
}

function OwnFields({ profile }: { profile: Profile }) {
  const t = useWords("profile");
  const f = useFormats();
  const toast = useToast();
  const session = useSession();
  const cache = useQueryClient();
  const send = async (change: Change, version: number) => {
    const changed = await body(api.PATCH("/api/v1/me", { body: { ...change, version } }));
    cache.setQueryData(keys.one("profile", "me"), changed);
    await session.refresh();
    return changed;
  };
  const act = useAct(({ change }: { change: Change; before: Change }) => send(change, profile.version), {
    onDone: (changed, { before }) => toast({ text: t("saved"), icon: "check", undo: () => send(before, changed.version) }),
    onFault: useTellFault(),
  });
  const set = <Name extends "name" | "language" | "theme" | "timezone" | "region">(name: Name, value: Change[Name]) => {
    if (value !== profile[name]) act.run({ change: { [name]: value }, before: { [name]: profile[name] ?? "" } });
  };
  const [name, setName] = useState(profile.name);
  const mayRename = session.may("users.manage");
  return (
    <div className={styles.fields}>
      <TextInput
        label={t("name")}
        value={name}
        readOnly={!mayRename}
        maxLength={200}
        onChange={(event) => setName(event.currentTarget.value)}
        onBlur={() => name.trim() && set("name", name.trim())}
      />
      <Select
        label={t("language")}
        allowDeselect={false}
        value={profile.language}
        data={LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] }))}
        onChange={(value) => set("language", LANGUAGES.find((some) => some === value) ?? "en")}
      />
      <Select
        label={t("theme")}
        allowDeselect={false}
        value={profile.theme}
        data={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
        onChange={(value) => set("theme", THEMES.find((some) => some === value) ?? "auto")}
      />
      <Select
        label={t("zone")}
        searchable
        clearable
        value={profile.timezone}
        placeholder={t("company", { value: session.who.company_timezone })}
        data={zones()}
        limit={100}
        onChange={(value) => set("timezone", value ?? "")}
      />
      <Select
        label={t("region")}
        description={t("region.how")}
        searchable
        clearable
        value={profile.region}
        placeholder={t("company", { value: countryNames(f.language).get(session.who.company_region) ?? session.who.company_region })}
        data={COUNTRIES.map((value) => ({ value, label: countryNames(f.language).get(value) ?? value })).sort((one, other) => f.byName(one.label, other.label))}
        limit={300}
        onChange={(value) => set("region", value ?? "")}
      />
    </div>
  );
}

function Password() {
  const t = useWords("profile");
  const toast = useToast();
  const cache = useQueryClient();
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [endOthers, setEndOthers] = useState(true);
  const act = useAct((input: { old: string; new: string; end_others: boolean }) => done(api.PUT("/api/v1/session/password", { body: input })), {
    onDone: () => {
      setOld("");
      setFresh("");
      toast({ text: t("password.changed"), icon: "check" });
      void cache.invalidateQueries({ queryKey: keys.all("session") });
    },
  });
  const problem = asProblem(act.error);
  const other = problem && !problem.field("old") && !problem.field("new") ? problem.detail : null;
  return (
    <Panel title={t("password")} isPadded>
      <form
        className={styles.fields}
        onSubmit={(event) => {
          event.preventDefault();
          if (old && fresh) act.run({ old, new: fresh, end_others: endOthers });
        }}
      >
        <PasswordInput label={t("password.old")} autoComplete="current-password" value={old} error={problem?.field("old")} onChange={(event) => setOld(event.currentTarget.value)} />
        <PasswordInput label={t("password.new")} description={t("password.how")} autoComplete="new-password" maxLength={128} value={fresh} error={problem?.field("new")} onChange={(event) => setFresh(event.currentTarget.value)} />
        <Switch label={t("password.others")} checked={endOthers} onChange={(event) => setEndOthers(event.currentTarget.checked)} />
        {other && (
          <p role="alert" className={styles.fault}>
            {other}
          </p>
        )}
        <div>
          <Button type="submit" loading={act.isPending} disabled={!old || !fresh}>
            {t("password.change")}
          </Button>
        </div>
      </form>
    </Panel>
  );
}

function Keyboard() {
  const t = useWords("profile");
  const [letters, setLetters] = usePreference("letters", true);
  return (
    <Panel title={t("keyboard")} isPadded>
      <div className={styles.fields}>
        <Switch label={t("letters")} description={t("letters.how")} checked={letters} onChange={(event) => setLetters(event.currentTarget.checked)} />
        <div>
          <Button variant="default" leftSection={<Icon name="keyboard" />} onClick={openKeys}>
            {t("keys")}
          </Button>
        </div>
      </div>
    </Panel>
  );
}

function Sessions() {
  const t = useWords("profile");
  const toast = useToast();
  const cache = useQueryClient();
  const fault = useTellFault();
  const sessions = useQuery({ queryKey: keys.view("session", "mine"), queryFn: () => body(api.GET("/api/v1/me/sessions")) });
  const again = () => cache.invalidateQueries({ queryKey: keys.all("session") });
  const end = useAct((id: number) => done(api.DELETE("/api/v1/me/sessions/{session_id}", { params: { path: { session_id: id } } })), {
    onDone: () => {
      toast({ text: t("session.ended"), icon: "check" });
      void again();
    },
    onFault: fault,
  });
  const endAll = useAct((_: null) => done(api.DELETE("/api/v1/me/sessions")), {
    onDone: () => {
      toast({ text: t("session.endedAll"), icon: "check" });
      void again();
    },
    onFault: fault,
  });
  return (
    <Panel
      title={t("sessions")}
      acts={
        (sessions.data?.items.length ?? 0) > 1 && (
          <Button size="xs" variant="default" onClick={() => endAll.run(null)}>
            {t("session.endAll")}
          </Button>
        )
      }
    >
      <Shown query={sessions}>
        {(found) => (
          <ul className={styles.sessions}>
            {found.items.map((session) => (
              <li key={session.id}>
                <span>
                  <b>{[session.browser, session.system].filter(Boolean).join(", ") || t("session.unknown")}</b>
                  <small>
                    {session.address} · {t("session.seen")} <Moment at={session.seen_at} />
                  </small>
                </span>
                {session.current ? (
                  <Tag tone="talk">{t("session.this")}</Tag>
                ) : (
                  <Button size="xs" variant="default" onClick={() => end.run(session.id)}>
                    {t("session.end")}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Panel>
  );
}
