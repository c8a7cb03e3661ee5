/* How the rows are read and what they do. Each choice takes hold at once. */

import { Checkbox, SegmentedControl, Select, TextInput } from "@mantine/core";
import { asProblem } from "../../api";
import { useColleagueChoices } from "../../app/colleagues";
import { Panel } from "../../parts";
import { useWords } from "../../words";
import { useTyped } from "../../calls/typed";
import { useCorrect, type Import } from "./queries";
import { ON_MATCH, STAGES } from "./steps";
import styles from "./index.module.css";

export function OptionFields({ of }: { of: Import }) {
  const t = useWords("imports");
  const clients = useWords("clients");
  const correct = useCorrect(of.id);
  const people = useColleagueChoices();
  const problem = asProblem(correct.error);
  const { options } = of;
  const text = (name: string) => (typeof options[name] === "string" ? options[name] : "");
  const set = (some: Import["options"]) => correct.run({ version: of.version, options: { ...options, ...some } });
  const check = (name: "day_first" | "strict" | "need_contact" | "use_emails") => (
    <Checkbox label={t(`option.${name}`)} checked={options[name] === true} onChange={(event) => set({ [name]: event.currentTarget.checked })} />
  );
  return (
    <Panel title={t("options")} isPadded>
      <div className={styles.options}>
        <div>
          <p className={styles.label} id="on-match">
            {t("option.on_match")}
          </p>
          <SegmentedControl aria-labelledby="on-match" value={text("on_match")} data={ON_MATCH.map((value) => ({ value, label: t(`on_match.${value}`) }))} onChange={(value) => set({ on_match: value })} />
        </div>
        <Select label={t("option.stage")} allowDeselect={false} value={text("stage")} data={STAGES.map((value) => ({ value, label: clients(`stage.${value}`) }))} onChange={(stage) => stage && set({ stage })} />
        <Select label={t("option.owner")} clearable searchable placeholder={t("option.owner.none")} value={options["owner"] === null || options["owner"] === undefined ? null : String(options["owner"])} data={people} error={problem?.field("options/owner") ?? false} onChange={(owner) => set({ owner: owner === null ? null : Number(owner) })} />
        <Typed label={t("option.source")} value={text("source")} error={problem?.field("options/source") ?? null} set={(source) => set({ source })} />
        <Typed label={t("option.region")} value={text("region")} error={problem?.field("options/region") ?? null} set={(region) => set({ region: region.toUpperCase() })} />
        <Typed label={t("option.area_code")} value={text("area_code")} error={problem?.field("options/area_code") ?? null} set={(area_code) => set({ area_code })} />
      </div>
      <div className={styles.checks}>
        {check("day_first")}
        {check("need_contact")}
        {check("use_emails")}
        {check("strict")}
      </div>
    </Panel>
  );
}

function Typed({ label, value, error, set }: { label: string; value: string; error: string | null; set: (value: string) => void }) {
  const [text, setText] = useTyped(value);
  const send = () => {
    if (text.trim() !== value) set(text.trim());
  };
  return (
    <TextInput
      label={label}
      value={text}
      maxLength={200}
      error={error}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={send}
      onKeyDown={(event) => {
        if (event.key === "Enter") send();
      }}
    />
  );
}
