/* What would happen if a number were dialled, and why. Nothing is counted. */

import { Button, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../api";
import { countryNames } from "../../profile/places";
import { useFormats } from "../../formats";
import { Panel, Tag } from "../../parts";
import { useColleagueChoices } from "../../app/colleagues";
import { useWords } from "../../words";
import { useTry } from "./queries";
import styles from "./index.module.css";

export function TryNumber() {
  const t = useWords("dialling");
  const people = useColleagueChoices();
  const [number, setNumber] = useState("");
  const [user, setUser] = useState<string | null>(null);
  const act = useTry();
  const problem = asProblem(act.error);
  const answer = act.data;
  return (
    <Panel title={t("try")} sub={t("try.how")} isPadded>
      <form
        className={styles["line"]}
        onSubmit={(event) => {
          event.preventDefault();
          if (number.trim()) act.run({ number: number.trim(), user: user === null ? null : Number(user) });
        }}
      >
        <TextInput type="tel" label={t("number")} value={number} maxLength={60} error={problem?.field("number")} onChange={(event) => setNumber(event.currentTarget.value)} />
        <Select label={t("try.user")} placeholder={t("try.self")} clearable searchable value={user} data={people} onChange={setUser} />
        <Button type="submit" variant="default" disabled={number.trim() === ""} loading={act.isPending}>
          {t("try.do")}
        </Button>
      </form>
      <div role="status" className={styles["answer"]}>
        {problem?.field("number") === null && <p>{problem.errors[0]?.detail ?? problem.detail}</p>}
        {answer && <Answer answer={answer} />}
      </div>
    </Panel>
  );
}

function Answer({ answer }: { answer: NonNullable<ReturnType<typeof useTry>["data"]> }) {
  const t = useWords("dialling");
  const f = useFormats();
  const country = answer.region === null ? null : (countryNames(f.language).get(answer.region) ?? answer.region);
  return (
    <p>
      <Tag tone={answer.allowed ? "talk" : "miss"} icon={answer.allowed ? "check" : "close"}>
        {t(answer.allowed ? "try.allowed" : "try.refused")}
      </Tag>{" "}
      {answer.number && <b className="nowrap">{f.phone(answer.number)}</b>} {country} {answer.foreign && `(${t("try.foreign")})`} {!answer.allowed && answer.sentence}
      {answer.again_at && ` ${t("try.again", { at: f.moment(answer.again_at) })}`}
    </p>
  );
}
