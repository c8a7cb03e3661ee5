/* All filters of the list of calls beside it, and the chips of those that are set. */

import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { Chips, DayField, SidePanel } from "../parts";
import { useWords } from "../words";
import { CHANNELS_BY, datesOf, DIRECTIONS, FILTERS, FIGURES, hourOf, KINDS, PERIODS, REASONS, RESULTS, secondsOf, STATES, STEPS, WEEKDAYS, YES_NO, type Filter, type Filters } from "./filters";
import type { useFilterNames } from "./names";
import { useTyped } from "./typed";
import styles from "./index.module.css";

export type Change = (some: Partial<Record<Filter, string | null>>) => void;
type Names = ReturnType<typeof useFilterNames>;

/** Takes every filter away; the order stays. */
export const nothing = (): Partial<Record<Filter, null>> => Object.fromEntries(FILTERS.filter((name) => name !== "sort").map((name) => [name, null]));

const NO_DATES = { first: null, last: null, since: null, until: null };

/** A filter's value in words; undefined: it is no value of it. */
function useShown(names: Names) {
  const t = useWords("calls");
  const f = useFormats();
  const oneOf = <T extends string>(values: readonly T[], word: (value: T) => string) => (value: string) => {
    const known = values.find((some) => some === value);
    return known && word(known);
  };
  const named = (choices: readonly { value: string; label: string }[]) => (value: string) => choices.find((choice) => choice.value === value)?.label ?? value;
  const length = (value: string) => f.duration(Number(value));
  const stepWord = (value: string) => {
    const [kind = "", id = ""] = value.split(":");
    if (kind === "manager") return named(names.people)(id);
    if (kind === "group") return t("step.group", { n: id });
    return oneOf(STEPS, (some) => t(`step.${some}`))(kind);
  };
  const shown: Record<Exclude<Filter, "first" | "last" | "since" | "until" | "sort" | "channel_by" | "channel_kind" | "channel">, (value: string) => string | undefined> = {
    period: oneOf(PERIODS, (value) => t(`period.${value}`)),
    direction: oneOf(DIRECTIONS, (value) => t(`direction.${value}`)),
    result: oneOf(RESULTS, (value) => t(`result.${value}`)),
    reason: oneOf(REASONS, (value) => t(`reason.${value}`)),
    manager: named(names.people),
    team: named(names.teams),
    contact: (value) => names.contact ?? value,
    organisation: (value) => names.organisation ?? value,
    client: (value) => value,
    number: (value) => f.phone(value),
    did: (value) => names.lineName(value),
    route: (value) => names.routes.get(Number(value)) ?? value,
    step: stepWord,
    source: (value) => value,
    talk_since: length,
    talk_until: length,
    recorded: oneOf(YES_NO, (value) => t(`yesNo.${value}`)),
    transcript: oneOf(YES_NO, (value) => t(`yesNo.${value}`)),
    outcome: (value) => (value === "none" ? t("outcome.none") : named(names.outcomes)(value)),
    q: (value) => value,
    figure: oneOf(FIGURES, (value) => t(`figure.${value}`)),
    kind: oneOf(KINDS, (value) => t(`kind.${value}`)),
    state: oneOf(STATES, (value) => t(`state.${value}`)),
    seconds: length,
    weekday: oneOf(WEEKDAYS, (value) => t(`weekday.${value}`)),
    hour: (value) => {
      const hour = hourOf(value);
      return hour === undefined ? undefined : `${hour}:00 – ${hour + 1}:00`;
    },
  };
  return shown;
}

/** Every filter that is set as a chip. */
export function FilterChips({ filters, change, names }: { filters: Filters; change: Change; names: Names }) {
  const t = useWords("calls");
  const f = useFormats();
  const shown = useShown(names);
  const { first, last } = datesOf(filters);
  const noon = (day: string) => f.shortDay(`${day}T12:00:00`);
  const days = first && last ? (first === last ? noon(first) : `${noon(first)} – ${noon(last)}`) : first ? t("days.from", { day: noon(first) }) : last && t("days.until", { day: noon(last) });
  const chips = (Object.keys(shown) as (keyof typeof shown)[]).flatMap((name) => {
    const value = filters[name];
    const word = value && shown[name](value);
    return word ? [{ key: name, name: t(`filter.${name}`), value: word, onRemove: () => change({ [name]: null }) }] : [];
  });
  const dates = days ? [{ key: "dates", name: t("filter.dates"), value: days, onRemove: () => change(NO_DATES) }] : [];
  const channel = CHANNELS_BY.some((by) => by === filters.channel_by)
    ? [
        {
          key: "channel",
          name: t("filter.channel"),
          value: filters.channel ? (filters.channel_by === "did" ? names.lineName(filters.channel) : filters.channel) : t("channel.unknown"),
          onRemove: () => change({ channel_by: null, channel_kind: null, channel: null }),
        },
      ]
    : [];
  return <Chips chips={[...dates, ...chips, ...channel]} onClear={() => change(nothing())} />;
}

/** The form of all filters; each takes hold as soon as it is chosen. */
export function FilterPanel({ filters, change, names, close }: { filters: Filters; change: Change; names: Names; close: () => void }) {
  const t = useWords("calls");
  const may = useSession().may;
  const isLeading = may("calls.read_all");
  const sources = [...new Set([...names.lines.values()].flatMap(({ source }) => source ?? []))].sort();
  const lines = [...names.lines.keys()].map((did) => ({ value: did, label: names.lineName(did) }));
  const choice = (name: Filter, data: { value: string; label: string }[]) => (
    <Select label={t(`filter.${name}` as "filter.result")} clearable searchable value={filters[name] ?? null} data={data} onChange={(value) => change({ [name]: value })} />
  );
  const yesNo = (name: "recorded" | "transcript") => (
    <div>
      <p className={styles.label} id={`filter-${name}`}>
        {t(`filter.${name}`)}
      </p>
      <SegmentedControl
        fullWidth
        aria-labelledby={`filter-${name}`}
        value={filters[name] ?? ""}
        data={[{ value: "", label: t("all") }, ...YES_NO.map((value) => ({ value, label: t(`yesNo.${value}`) }))]}
        onChange={(value) => change({ [name]: value || null })}
      />
    </div>
  );
  const { first, last } = datesOf(filters);
  const dates = (some: { first?: string | null; last?: string | null }) =>
    change({ ...NO_DATES, period: null, first: first ?? null, last: last ?? null, ...some });
  return (
    <SidePanel
      label={t("filters")}
      onClose={close}
      width={300}
      closesFromFields
      foot={
        <Button variant="default" fullWidth onClick={() => change(nothing())}>
          {t("none.clear")}
        </Button>
      }
    >
      <div className={styles.form}>
        <Select
          label={t("filter.period")}
          data-autofocus
          clearable
          value={filters.period ?? null}
          data={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))}
          onChange={(period) => change({ ...NO_DATES, period })}
        />
        <div className={styles.two}>
          <DayField label={t("filter.first")} value={first ?? null} max={last} onChange={(day) => dates({ first: day })} />
          <DayField label={t("filter.last")} value={last ?? null} min={first} onChange={(day) => dates({ last: day })} />
        </div>
        {choice("result", RESULTS.map((value) => ({ value, label: t(`result.${value}`) })))}
        {choice("reason", REASONS.map((value) => ({ value, label: t(`reason.${value}`) })))}
        {isLeading && choice("manager", names.people)}
        {isLeading && names.teams.length > 0 && choice("team", names.teams)}
        {lines.length > 0 && choice("did", lines)}
        {sources.length > 0 && choice("source", sources.map((value) => ({ value, label: value })))}
        <Words label={t("filter.client")} value={filters.client} set={(client) => change({ client })} />
        <div className={styles.two}>
          <Length label={t("filter.talk_since")} value={filters.talk_since} set={(talk_since) => change({ talk_since })} />
          <Length label={t("filter.talk_until")} value={filters.talk_until} set={(talk_until) => change({ talk_until })} />
        </div>
        {yesNo("recorded")}
        {yesNo("transcript")}
        {choice("outcome", [{ value: "none", label: t("outcome.none") }, ...names.outcomes])}
        {choice("kind", KINDS.map((value) => ({ value, label: t(`kind.${value}`) })))}
      </div>
    </SidePanel>
  );
}

type Set = (value: string | null) => void;

/** A text that takes hold when it is left or Enter is pressed. */
function Words({ label, value = "", set }: { label: string; value: string | undefined; set: Set }) {
  const [text, setText] = useTyped(value);
  const send = () => set(text.trim() || null);
  return (
    <TextInput
      label={label}
      value={text}
      maxLength={100}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={send}
      onKeyDown={(event) => {
        if (event.key === "Enter") send();
      }}
    />
  );
}

/** A length of talk, typed as `2:00` or in seconds. */
function Length({ label, value, set }: { label: string; value: string | undefined; set: Set }) {
  const t = useWords("calls");
  const f = useFormats();
  const written = value && /^\d{1,6}$/.test(value) ? f.duration(Number(value)) : "";
  const [text, setText] = useTyped(written);
  const isWrong = text.trim() !== "" && secondsOf(text) === null;
  const send = () => {
    const length = secondsOf(text);
    if (text.trim() === "" || length !== null) set(length === null ? null : String(length));
  };
  return (
    <TextInput
      label={label}
      value={text}
      placeholder="2:00"
      inputMode="numeric"
      error={isWrong && t("length.wrong")}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={send}
      onKeyDown={(event) => {
        if (event.key === "Enter") send();
      }}
    />
  );
}
