/* A call tried: who would ring, step by step, and why not the others. No phone rings. */

import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../api";
import { useFormats } from "../../formats";
import { WhenField } from "../../tasks/WhenField";
import { useWords } from "../../words";
import { useTry, type Trial } from "./queries";
import { useColleagues } from "../../app/colleagues";
import { begins, toldOnce } from "./steps";
import styles from "./index.module.css";

export function Try({ did }: { did: string }) {
  const t = useWords("routing");
  const [caller, setCaller] = useState("");
  const [when, setWhen] = useState<string | null>(null);
  const attempt = useTry();
  const problem = asProblem(attempt.error);
  return (
    <section className={styles.part} aria-label={t("try")}>
      <h2>{t("try")}</h2>
      <p className={styles.quiet}>{t("try.how")}</p>
      <form
        className={styles.fields}
        onSubmit={(event) => {
          event.preventDefault();
          attempt.run({ did, caller: caller.trim(), at: when });
        }}
      >
        <TextInput label={t("try.caller")} maxLength={64} value={caller} error={problem?.field("caller")} onChange={(event) => setCaller(event.currentTarget.value)} />
        <WhenField label={t("try.when")} value={when} error={problem?.field("at") ?? null} onChange={setWhen} />
        <div>
          <Button type="submit" loading={attempt.isPending}>
            {t("try.go")}
          </Button>
        </div>
        {problem?.errors.length === 0 && (
          <p role="alert" className={styles.fault}>
            {problem.detail}
          </p>
        )}
      </form>
      <div aria-live="polite">{attempt.data && <Answer trial={attempt.data} />}</div>
    </section>
  );
}

function Answer({ trial }: { trial: Trial }) {
  const t = useWords("routing");
  const f = useFormats();
  const people = useColleagues().data?.items ?? [];
  const nameOf = (user: number) => people.find(({ id }) => id === user)?.name ?? `${user}`;
  const moments = begins(trial.decisions);
  const why = toldOnce(trial.decisions);
  return (
    <>
      <p>
        <b>{t(trial.open ? "try.open" : "try.closed")}</b>
      </p>
      <ol className={styles.answers} aria-label={t("try.answer")}>
        {trial.decisions.map((decision, at) => (
          <li key={`${at} ${decision.action}`}>
            <time>{f.duration(moments[at] ?? 0)}</time>
            <span>
              {t(`action.${decision.action}`)} <b>{decision.users.map(nameOf).join(", ") || decision.sound}</b>
              {decision.seconds > 0 && ` ${f.duration(decision.seconds)}`}
              {why[at]?.map((reason) => (
                <small key={`${reason.step} ${reason.user} ${reason.why}`}>
                  {nameOf(reason.user ?? 0)}: {t(`why.${reason.why}`)}
                </small>
              ))}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
