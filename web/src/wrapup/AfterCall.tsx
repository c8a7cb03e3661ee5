/* "After this call": outcome, reason and next step, usable during the call already. Never modal; what is chosen and typed
   is kept in this browser until it is saved, over reloads, other tabs and lost connections. */

import { Select, Textarea } from "@mantine/core";
import { useId } from "react";
import { useOpenCall } from "../api";
import { usePhonePart } from "../band/store";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { Icon, KeyOf } from "../parts";
import { useWords } from "../words";
import styles from "./AfterCall.module.css";
import { HeardPromises } from "./Heard";
import { NextStep } from "./NextStep";
import { usePanelStands } from "./open";
import { answered, asks, labelOf, reasonsOf } from "./rules";
import { useAfterCall } from "./useAfterCall";
import { useWrapUp, type WrapUp } from "./useWrapUp";

/** @param call whose outcome is given: the one on the line, or one that is over */
export function AfterCall({ call }: { call: string }) {
  const t = useWords("wrapup");
  const wrap = useWrapUp(call);
  const open = useOpenCall(call);
  const isAfter = usePhonePart((view) => view.rest.kind === "after" && view.rest.call === call);
  const { saveAndNext, later } = useAfterCall(wrap);
  usePanelStands(call);
  const digit = (n: number) => () => wrap.chooseDigit(n);
  const canSave = open === null && wrap.lacks.length === 0;
  useKeys({
    "outcome.1": digit(1), "outcome.2": digit(2), "outcome.3": digit(3), "outcome.4": digit(4), "outcome.5": digit(5),
    "outcome.6": digit(6), "outcome.7": digit(7), "outcome.8": digit(8), "outcome.9": digit(9),
    "outcome.save": () => (canSave ? void saveAndNext() : false),
  }); // prettier-ignore
  const { all } = asks(wrap.outcome);
  const filled = answered(wrap.draft, wrap.outcome).length;
  return (
    <section className={styles["panel"]} aria-label={t("title")}>
      <header className={styles["head"]} data-after={isAfter || undefined}>
        <Icon name="after" />
        <h2>{t("title")}</h2>
        <small>{open ? t("early") : t("filled", { filled, all: all.length })}</small>
      </header>
      <div className={styles["body"]}>
        <Outcomes wrap={wrap} />
        <Why wrap={wrap} />
        {!open && asks(wrap.outcome).all.includes("step") && <HeardPromises call={call} wrap={wrap} />}
        <NextStep wrap={wrap} />
        <Note wrap={wrap} />
        {wrap.fault && (
          <p className={styles["fault"]} role="alert">
            {wrap.faults["outcome"] ?? wrap.faults["next_step"] ?? wrap.fault}
          </p>
        )}
      </div>
      <footer className={styles["foot"]}>
        {open ? (
          <>
            <button type="button" className={styles["wide"]} disabled>
              {t("saveThen")}
            </button>
            <small>{t("kept")}</small>
          </>
        ) : (
          <>
            <button type="button" className={styles["save"]} disabled={!canSave || wrap.isSaving} onClick={() => void saveAndNext()}>
              {t("save")}
              <KeyOf act="outcome.save" />
            </button>
            <button type="button" className={styles["later"]} onClick={() => void later()}>
              {t("later")}
            </button>
            <small>{wrap.lacks.length > 0 ? t("lacks", { what: wrap.lacks.map((ask) => t(`ask.${ask}`)).join(", ") }) : t("laterHint")}</small>
          </>
        )}
      </footer>
    </section>
  );
}

function Outcomes({ wrap }: { wrap: WrapUp }) {
  const t = useWords("wrapup");
  const { language } = useFormats();
  return (
    <fieldset className={styles["field"]}>
      <legend>
        {t("outcome")}
        <em aria-hidden="true">*</em>
      </legend>
      <div className={styles["options"]} role="radiogroup" aria-label={t("outcome")} aria-required>
        {wrap.rows.map((row, at) => (
          <button
            key={row.id}
            type="button"
            role="radio"
            aria-checked={row === wrap.outcome}
            className={styles["option"]}
            title={labelOf(row, language)}
            onClick={() => wrap.choose(row)}
          >
            {at < 9 && <kbd aria-hidden="true">{at + 1}</kbd>}
            <span>{labelOf(row, language)}</span>
            {row === wrap.outcome && <Icon name="check" size={14} />}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

/** The reason, where the outcome has a list of them. */
function Why({ wrap }: { wrap: WrapUp }) {
  const t = useWords("wrapup");
  const { language } = useFormats();
  const rows = reasonsOf(wrap.catalogue, wrap.outcome);
  if (wrap.outcome && rows.length === 0) return null;
  const isRefusal = wrap.outcome?.reasons === "refusal";
  return (
    <Select
      label={
        <>
          {t(isRefusal ? "whyNot" : "why")}
          {wrap.outcome?.reason_required && <em aria-hidden="true">*</em>}
        </>
      }
      aria-label={t(isRefusal ? "whyNot" : "why")}
      data={rows.map((row) => ({ value: row.key, label: labelOf(row, language) }))}
      value={wrap.draft.reason}
      onChange={(reason) => wrap.change({ reason })}
      placeholder={t(wrap.outcome ? "choose" : "chooseLater")}
      disabled={!wrap.outcome}
      allowDeselect={!wrap.outcome?.reason_required}
      error={wrap.faults["reason"]}
      comboboxProps={{ withinPortal: true }}
      className={styles["select"] ?? ""}
    />
  );
}

function Note({ wrap }: { wrap: WrapUp }) {
  const t = useWords("wrapup");
  const id = useId();
  return (
    <div className={styles["field"]}>
      <label htmlFor={id}>{t("note")}</label>
      <Textarea id={id} autosize minRows={2} maxRows={6} maxLength={4000} value={wrap.draft.note} onChange={(event) => wrap.change({ note: event.currentTarget.value })} />
    </div>
  );
}
