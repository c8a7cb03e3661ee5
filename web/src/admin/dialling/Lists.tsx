/* Countries, costly kinds and beginnings of numbers. Each change holds at once and can be undone. */

import { Button, Checkbox, MultiSelect, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useFormats } from "../../formats";
import { COUNTRIES, countryNames } from "../../profile/places";
import { Empty, Tag } from "../../parts";
import { useWords } from "../../words";
import { COSTLY, useListChange, useMayChange, type Permissions } from "./queries";
import styles from "./index.module.css";

/** Countries by their names, for choosing. */
export function useCountries(): { value: string; label: string }[] {
  const f = useFormats();
  const names = countryNames(f.language);
  return COUNTRIES.map((value) => ({ value, label: names.get(value) ?? value })).sort((one, other) => f.byName(one.label, other.label));
}

export function Countries({ rules }: { rules: Permissions }) {
  const t = useWords("dialling");
  const f = useFormats();
  const data = useCountries();
  const act = useListChange();
  const mayChange = useMayChange();
  const home = countryNames(f.language).get(rules.home) ?? rules.home;
  return (
    <MultiSelect
      searchable
      label={t("countries")}
      description={t("countries.how", { home })}
      placeholder={rules.countries.length === 0 ? home : ""}
      data={data}
      value={rules.countries}
      readOnly={!mayChange || act.isPending}
      onChange={(countries) => act.run({ version: rules.version, to: { countries }, from: { countries: rules.countries } })}
    />
  );
}

export function Costly({ rules }: { rules: Permissions }) {
  const t = useWords("dialling");
  const act = useListChange();
  const mayChange = useMayChange();
  const toggle = (kind: (typeof COSTLY)[number]) => {
    const kinds = rules.kinds.includes(kind) ? rules.kinds.filter((some) => some !== kind) : [...rules.kinds, kind];
    act.run({ version: rules.version, to: { kinds }, from: { kinds: rules.kinds } });
  };
  return (
    <fieldset className={styles["set"]}>
      <legend>{t("costly")}</legend>
      <p>{t("costly.how")}</p>
      {COSTLY.map((kind) => (
        <Checkbox key={kind} label={t(`costly.${kind}`)} checked={rules.kinds.includes(kind)} disabled={!mayChange || act.isPending} onChange={() => toggle(kind)} />
      ))}
    </fieldset>
  );
}

export function Prefixes({ rules }: { rules: Permissions }) {
  const t = useWords("dialling");
  const act = useListChange();
  const mayChange = useMayChange();
  const [prefix, setPrefix] = useState("+");
  const [way, setWay] = useState("refused");
  const put = (prefixes: Permissions["prefixes"]) => act.run({ version: rules.version, to: { prefixes }, from: { prefixes: rules.prefixes } });
  const wanted = prefix.replace(/[\s()-]/g, "");
  const isNew = /^\+\d{1,15}$/.test(wanted) && rules.prefixes.every((some) => some.prefix !== wanted);
  const add = () => {
    put([...rules.prefixes, { prefix: wanted, allowed: way !== "refused", costly: way === "costly" }]);
    setPrefix("+");
  };
  return (
    <>
      {rules.prefixes.length === 0 ? (
        <Empty icon="dialling" title={t("prefixes.none")} />
      ) : (
        <ul className={styles["rows"]} aria-label={t("prefixes")}>
          {rules.prefixes.map((one) => (
            <li key={one.prefix} className={styles["row"]}>
              <b className={styles["name"]}>{one.prefix}</b>
              <Tag tone={one.allowed ? "talk" : "miss"}>{t(one.allowed ? (one.costly ? "prefix.costly" : "prefix.allowed") : "prefix.refused")}</Tag>
              {mayChange && (
                <Button size="xs" variant="default" disabled={act.isPending} aria-label={t("prefix.take.of", { prefix: one.prefix })} onClick={() => put(rules.prefixes.filter((some) => some !== one))}>
                  {t("prefix.take")}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {mayChange && (
        <form
          className={styles["adding"]}
          onSubmit={(event) => {
            event.preventDefault();
            if (isNew) add();
          }}
        >
          <TextInput label={t("prefix")} value={prefix} maxLength={24} onChange={(event) => setPrefix(event.currentTarget.value)} />
          <Select label={t("prefix.way")} allowDeselect={false} value={way} data={(["refused", "allowed", "costly"] as const).map((value) => ({ value, label: t(`prefix.${value}`) }))} onChange={(value) => setWay(value ?? "refused")} />
          <Button type="submit" variant="default" disabled={!isNew} loading={act.isPending}>
            {t("prefix.add")}
          </Button>
        </form>
      )}
    </>
  );
}
