/* What else holds for a role, a team, a person or a key of a program. */

import { Button, Checkbox, MultiSelect, NumberInput, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { api, asProblem, body, keys, useQuery } from "../../api";
import { useFormats } from "../../formats";
import { countryNames } from "../../profile/places";
import { Empty, SidePanel } from "../../parts";
import { useColleagueChoices } from "../../app/colleagues";
import { useWords } from "../../words";
import { useCountries } from "./Lists";
import { COSTLY, roleOf, ROLES, SPANS, useMayChange, usePut, useTake, type Limits, type Permissions, type Special as Exception } from "./queries";
import styles from "./index.module.css";

const FOR = ["user", "team", "role", "key"] as const;
type For = (typeof FOR)[number];

function useTeams() {
  const found = useQuery({ queryKey: keys.view("teams", "all"), queryFn: () => body(api.GET("/api/v1/teams")) });
  return (found.data?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }));
}

/** For whom an exception is. */
function useWhom() {
  const t = useWords("dialling");
  const people = useColleagueChoices();
  const teams = useTeams();
  return (special: Exception): string => {
    const named = (items: { value: string; label: string }[], id: number) => items.find((some) => some.value === String(id))?.label ?? String(id);
    if (special.user !== null) return named(people, special.user);
    if (special.team !== null) return t("for.team.of", { name: named(teams, special.team) });
    const role = roleOf(special.role);
    return role ? t(`role.${role}`) : t("for.key.of", { id: special.key ?? "" });
  };
}

export function Exceptions({ rules, open, onOpen }: { rules: Permissions; open: number | null; onOpen: (id: string) => void }) {
  const t = useWords("dialling");
  const f = useFormats();
  const whom = useWhom();
  const mayChange = useMayChange();
  const take = useTake();
  const countries = countryNames(f.language);
  if (rules.exceptions.length === 0) {
    return <Empty icon="dialling" title={t("exceptions.none")} act={mayChange && <Button variant="default" onClick={() => onOpen("new")}>{t("exception.new")}</Button>} />;
  }
  return (
    <ul className={styles["rows"]} aria-label={t("exceptions")}>
      {rules.exceptions.map((special) => {
        const name = whom(special);
        const what = [
          ...special.countries.map((code) => countries.get(code) ?? code),
          ...special.kinds.map((kind) => t(`costly.${kind}`)),
          ...special.prefixes.map(({ prefix, allowed }) => `${prefix} ${t(allowed ? "prefix.allowed" : "prefix.refused")}`),
          ...SPANS.flatMap((span) => (special.limits[span] === null ? [] : [`${t(`span.${span}`)}: ${f.count(special.limits[span])}`])),
        ];
        return (
          <li key={special.id} className={styles["row"]} data-open={special.id === open || undefined}>
            <span className={styles["name"]}>
              <b>{name}</b>
              <small>{what.join(" · ")}</small>
              {special.note && <small>{special.note}</small>}
            </span>
            {mayChange && (
              <>
                <Button size="xs" variant="default" aria-label={t("exception.change.of", { name })} onClick={() => onOpen(String(special.id))}>
                  {t("exception.change")}
                </Button>
                <Button size="xs" variant="default" aria-label={t("exception.take.of", { name })} loading={take.isPending} onClick={() => take.run(special)}>
                  {t("exception.take")}
                </Button>
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}

const NO_LIMITS: Limits = { minute: null, hour: null, day: null, foreign_day: null };

/** A new exception, or one that is changed; beginnings of numbers that it has stay. */
export function Special({ special, close }: { special: Exception | null; close: () => void }) {
  const t = useWords("dialling");
  const whomOf = useWhom();
  const [of, setOf] = useState<For>("user");
  const [whom, setWhom] = useState<string | null>(null);
  const [countries, setCountries] = useState(special?.countries ?? []);
  const [kinds, setKinds] = useState(special?.kinds ?? []);
  const [limits, setLimits] = useState<Limits>(special?.limits ?? NO_LIMITS);
  const [note, setNote] = useState(special?.note ?? "");
  const all = useCountries();
  const act = usePut(close);
  const problem = asProblem(act.error);
  const target = special
    ? { role: roleOf(special.role), team: special.team, user: special.user, key: special.key }
    : {
        role: of === "role" ? roleOf(whom) : null,
        team: of === "team" && whom ? Number(whom) : null,
        user: of === "user" && whom ? Number(whom) : null,
        key: of === "key" ? whom : null,
      };
  const send = () => act.run({ ...target, countries, kinds, prefixes: special?.prefixes ?? [], limits, note: note.trim(), version: special?.version ?? 0 });
  return (
    <SidePanel
      label={special ? whomOf(special) : t("exception.new")}
      onClose={close}
      foot={
        <Button fullWidth disabled={!special && !whom} loading={act.isPending} onClick={send}>
          {t("exception.keep")}
        </Button>
      }
    >
      <div className={styles["side"]}>
        {!special && <Whom of={of} setOf={setOf} whom={whom} setWhom={setWhom} />}
        <MultiSelect searchable label={t("exception.countries")} data={all} value={countries} error={problem?.field("countries")} onChange={setCountries} />
        <fieldset className={styles["set"]}>
          <legend>{t("costly")}</legend>
          {COSTLY.map((kind) => (
            <Checkbox key={kind} label={t(`costly.${kind}`)} checked={kinds.includes(kind)} onChange={() => setKinds(kinds.includes(kind) ? kinds.filter((some) => some !== kind) : [...kinds, kind])} />
          ))}
        </fieldset>
        {SPANS.map((span) => (
          <NumberInput
            key={span}
            label={t(`span.${span}`)}
            placeholder={t("exception.same")}
            min={0}
            allowDecimal={false}
            value={limits[span] ?? ""}
            error={problem?.field(`limits/${span}`)}
            onChange={(typed) => setLimits({ ...limits, [span]: typed === "" ? null : Number(typed) })}
          />
        ))}
        <TextInput label={t("exception.note")} maxLength={200} value={note} error={problem?.field("note")} onChange={(event) => setNote(event.currentTarget.value)} />
        {problem && <p role="alert">{problem.errors[0]?.detail ?? problem.detail}</p>}
      </div>
    </SidePanel>
  );
}

interface WhomProps {
  of: For;
  setOf: (of: For) => void;
  whom: string | null;
  setWhom: (whom: string | null) => void;
}

function Whom({ of, setOf, whom, setWhom }: WhomProps) {
  const t = useWords("dialling");
  const people = useColleagueChoices();
  const teams = useTeams();
  const issued = useQuery({ queryKey: keys.view("keys"), enabled: of === "key", queryFn: () => body(api.GET("/api/v1/keys")) });
  const data = {
    user: people,
    team: teams,
    role: ROLES.map((value) => ({ value, label: t(`role.${value}`) })),
    key: (issued.data?.items ?? []).filter((key) => key.revoked_at === null).map(({ id, name }) => ({ value: id, label: name })),
  };
  return (
    <>
      <Select
        label={t("for")}
        allowDeselect={false}
        value={of}
        data={FOR.map((value) => ({ value, label: t(`for.${value}`) }))}
        onChange={(value) => {
          setOf(FOR.find((some) => some === value) ?? "user");
          setWhom(null);
        }}
      />
      <Select label={t(`for.${of}`)} searchable value={whom} data={data[of]} onChange={setWhom} />
    </>
  );
}
