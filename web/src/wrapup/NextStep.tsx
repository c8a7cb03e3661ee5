/* What is done next: call, letter, meeting or nothing, when by both clocks, and who does it. */

import { Select } from "@mantine/core";
import { DatePickerInput } from "@mantine/dates";
import "@mantine/dates/styles.layer.css";
import "dayjs/locale/pl";
import "dayjs/locale/ru";
import { useId, useState } from "react";
import { api, body, useQuery } from "../api";
import { useSession } from "../app/session";
import { tame, useFormats } from "../formats";
import { Icon, useMinute, type IconName } from "../parts";
import { useWords } from "../words";
import styles from "./AfterCall.module.css";
import { asks, STEPS, type StepKind } from "./rules";
import { instantOf, offsetName, timeOf, wallOf, warningOf } from "./times";
import type { WrapUp } from "./useWrapUp";

const ICONS: Readonly<Record<StepKind, IconName | null>> = { call: "phone", letter: "letter", meeting: "clients", none: null };

export function NextStep({ wrap }: { wrap: WrapUp }) {
  const t = useWords("wrapup");
  const { all, must } = asks(wrap.outcome);
  if (!all.includes("step")) {
    return wrap.outcome?.task ? <p className={styles["by"]}>{t("byItself")}</p> : null;
  }
  const isTimed = wrap.draft.who === null && wrap.draft.step !== null && wrap.draft.step !== "none";
  return (
    <>
      <div className={styles["field"]}>
        <span className={styles["label"]}>
          {t("step")}
          {must.includes("step") && <em aria-hidden="true">*</em>}
        </span>
        <div className={styles["steps"]} role="radiogroup" aria-label={t("step")}>
          {STEPS.map((step) => (
            <button
              key={step}
              type="button"
              role="radio"
              aria-checked={wrap.draft.step === step && wrap.draft.who === null}
              onClick={() => wrap.change({ step, who: null })}
            >
              {ICONS[step] && <Icon name={ICONS[step]} size={14} />}
              {t(`step.${step}`)}
            </button>
          ))}
        </div>
      </div>
      {isTimed && <When wrap={wrap} />}
      <Who wrap={wrap} />
    </>
  );
}

function When({ wrap }: { wrap: WrapUp }) {
  const t = useWords("wrapup");
  const f = useFormats();
  const minute = useMinute();
  const parts = useWords("parts");
  const { day, time } = wrap.filled;
  const id = useId();
  const [text, setText] = useState<string | null>(null);
  const at = day && time ? instantOf(day, time, wrap.zone).getTime() : null;
  const own = f.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const leave = () => {
    const read = text === null ? null : timeOf(text);
    if (read) wrap.change({ time: read, day });
    setText(null);
  };
  return (
    <>
      <div className={styles["two"]}>
        <DatePickerInput
          label={t("day")}
          value={day}
          onChange={(chosen) => wrap.change({ day: chosen, time })}
          minDate={wallOf(minute, wrap.zone).day}
          valueFormat={f.language === "en" ? "ddd, D MMM" : "dd, D MMM"}
          locale={f.language}
          firstDayOfWeek={1}
          previousLabel={parts("calendar.previous")}
          nextLabel={parts("calendar.next")}
          rightSection={<Icon name="calendar" size={14} />}
          rightSectionPointerEvents="none"
        />
        <div className={styles["field"]}>
          <label htmlFor={id}>{wrap.isTheirZone ? t("theirTime", { zone: offsetName(at ?? minute, wrap.zone) }) : t("time")}</label>
          <div className={styles["time"]}>
            <input
              id={id}
              value={text ?? time ?? ""}
              inputMode="numeric"
              autoComplete="off"
              onChange={(event) => setText(event.target.value)}
              onBlur={leave}
              onKeyDown={(event) => {
                if (event.key === "Enter") leave();
              }}
            />
            <Icon name="clock" size={14} />
          </div>
        </div>
      </div>
      {at !== null && wrap.zone !== own && f.clock(at) !== time && <p className={styles["both"]}>{t("here", { moment: f.moment(at) })}</p>}
      {at !== null && <Hint wrap={wrap} at={at} />}
    </>
  );
}

/** What is wrong with the moment, and one click to a better one. */
function Hint({ wrap, at }: { wrap: WrapUp; at: number }) {
  const t = useWords("wrapup");
  const f = useFormats();
  const warning = warningOf(at, wrap.theirs, wrap.ours);
  if (!warning) return null;
  const { whose, fit, clock, day, instead } = warning;
  const there = instead === null ? null : wallOf(instead, wrap.zone);
  const text = day === null ? t(`warn.${whose}.closed`) : t(`warn.${whose}.${fit === "before" ? "before" : "after"}`, { clock, since: day.since, until: day.until });
  return (
    <p className={styles["hint"]}>
      <Icon name="clock" size={14} />
      <span>
        {text}{" "}
        {there && instead !== null && (
          <button type="button" onClick={() => wrap.change({ day: there.day, time: there.time })}>
            {f.clock(instead) === there.time
              ? t("takeSame", { day: f.dayName(instead), there: there.time })
              : t("take", { day: f.dayName(instead), there: there.time, here: f.clock(instead) })}
          </button>
        )}
      </span>
    </p>
  );
}

function Who({ wrap }: { wrap: WrapUp }) {
  const t = useWords("wrapup");
  const { userId, name } = useSession();
  const colleagues = useQuery({
    queryKey: ["states", "view", "colleagues"],
    queryFn: async () => (await body(api.GET("/api/v1/colleagues"))).items.filter((colleague) => colleague.id !== userId),
    staleTime: 2000,
  }).data;
  const data = [{ value: "", label: t("you", { name: tame(name) }) }, ...(colleagues ?? []).map((one) => ({ value: String(one.id), label: tame(one.name) }))];
  const chosen = colleagues?.find((one) => one.id === wrap.draft.who);
  return (
    <>
      <Select
        label={t("who")}
        data={data}
        value={wrap.draft.who === null ? "" : String(wrap.draft.who)}
        onChange={(value) => wrap.change({ who: value ? Number(value) : null })}
        allowDeselect={false}
        searchable
        error={wrap.faults["next_step"]}
      />
      {chosen && <p className={styles["by"]}>{t("goesOn", { name: tame(chosen.name) })}</p>}
    </>
  );
}
