/* A new field, outcome or reason. What never changes later is said here. */

import { Button, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { asProblem, type ApiProblem } from "../../api";
import { SidePanel } from "../../parts";
import { LANGUAGE_NAMES, LANGUAGES, useWords } from "../../words";
import { choicesOf, keyOf, lastPlace, relabelled } from "./order";
import { useNewDisposition, useNewField, useNewReason, type Field, type FieldOf, type Lists } from "./queries";
import styles from "./index.module.css";

const KINDS = ["text", "number", "date", "choice", "yes_no"] as const;
const MEANS = ["purchase", "refusal", "agreed", "talked", "not_reached", "other"] as const;

/** What has a field of its own to stand at. */
const AT_FIELDS = /^#\/(key|label|choices|labels\/(en|ru|pl))(\/|$)/;

interface FormProps {
  label: string;
  close: () => void;
  isReady: boolean;
  isPending: boolean;
  send: () => void;
  problem: ApiProblem | null;
  children: ReactNode;
}

function Form({ label, close, isReady, isPending, send, problem, children }: FormProps) {
  const t = useWords("fields");
  return (
    <SidePanel
      label={label}
      onClose={close}
      foot={
        <Button fullWidth disabled={!isReady} loading={isPending} onClick={send}>
          {t("make")}
        </Button>
      }
    >
      <div className={styles["form"]}>
        {children}
        {problem && !problem.errors.some(({ pointer }) => AT_FIELDS.test(pointer)) && problem.status !== 409 && <p role="alert">{problem.errors[0]?.detail ?? problem.detail}</p>}
      </div>
    </SidePanel>
  );
}

/** A name for programs: made of the label until somebody types one. */
function useKey(label: string, problem: ApiProblem | null) {
  const t = useWords("fields");
  const [typed, setTyped] = useState<string | null>(null);
  const key = typed ?? keyOf(label);
  const input = <TextInput label={t("key")} description={t("key.how")} maxLength={40} value={key} error={problem?.status === 409 ? problem.detail : problem?.field("key")} onChange={(event) => setTyped(event.currentTarget.value)} />;
  return [key, input] as const;
}

export function NewField({ of, items, close }: { of: FieldOf; items: readonly Field[]; close: () => void }) {
  const t = useWords("fields");
  const [label, setLabel] = useState("");
  const [kind, setKind] = useState<(typeof KINDS)[number]>("text");
  const [choices, setChoices] = useState("");
  const [required, setRequired] = useState(false);
  const [searchable, setSearchable] = useState(false);
  const act = useNewField(of, close);
  const problem = asProblem(act.error);
  const [key, keyInput] = useKey(label, problem);
  const named = kind === "choice" ? choicesOf(choices) : [];
  const send = () => act.run({ key, label: label.trim(), kind, choices: named, required, searchable, place: lastPlace(items) });
  const isReady = label.trim() !== "" && key !== "" && (kind !== "choice" || named.length > 0);
  return (
    <Form label={t(`new.${of}`)} close={close} isReady={isReady} isPending={act.isPending} send={send} problem={problem}>
      <TextInput data-autofocus label={t("label")} maxLength={80} value={label} error={problem?.field("label")} onChange={(event) => setLabel(event.currentTarget.value)} />
      {keyInput}
      <Select label={t("kind")} description={t("kind.how")} allowDeselect={false} value={kind} data={KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))} onChange={(value) => setKind(KINDS.find((some) => some === value) ?? "text")} />
      {kind === "choice" && <Textarea label={t("choices")} autosize minRows={3} value={choices} error={problem?.within("choices")} onChange={(event) => setChoices(event.currentTarget.value)} />}
      <Switch label={t("required.long")} checked={required} onChange={(event) => setRequired(event.currentTarget.checked)} />
      <Switch label={t("searchable.long")} checked={searchable} onChange={(event) => setSearchable(event.currentTarget.checked)} />
    </Form>
  );
}

export function NewAnswer({ kind, lists, close }: { kind: "outcomes" | "reasons"; lists: Lists; close: () => void }) {
  const t = useWords("fields");
  const [labels, setLabels] = useState<Record<string, string>>({});
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [means, setMeans] = useState<(typeof MEANS)[number]>("talked");
  const [of, setOf] = useState<"refusal" | "purchase">("refusal");
  const outcome = useNewDisposition(close);
  const reason = useNewReason(close);
  const act = kind === "outcomes" ? outcome : reason;
  const problem = asProblem(act.error);
  const [key, keyInput] = useKey(labels["en"] ?? labels["pl"] ?? "", problem);
  const send = () => {
    if (kind === "outcomes") outcome.run({ key, labels, means, place: lastPlace(lists.dispositions) });
    else reason.run({ key, labels, of, place: lastPlace(lists.reasons.filter((row) => row.of === of)) });
  };
  const write = (language: string, text: string) => {
    setTyped({ ...typed, [language]: text });
    setLabels(relabelled(labels, language, text));
  };
  return (
    <Form label={t(`new.${kind}`)} close={close} isReady={Object.keys(labels).length > 0 && key !== ""} isPending={act.isPending} send={send} problem={problem}>
      {LANGUAGES.map((language, at) => (
        <TextInput
          key={language}
          {...(at === 0 ? { "data-autofocus": true } : {})}
          label={t("label.in", { language: LANGUAGE_NAMES[language] })}
          maxLength={80}
          value={typed[language] ?? ""}
          error={problem?.field(`labels/${language}`)}
          onChange={(event) => write(language, event.currentTarget.value)}
        />
      ))}
      {keyInput}
      {kind === "outcomes" ? (
        <Select label={t("means")} description={t("means.stays")} allowDeselect={false} value={means} data={MEANS.map((value) => ({ value, label: t(`means.${value}`) }))} onChange={(value) => setMeans(MEANS.find((some) => some === value) ?? "talked")} />
      ) : (
        <Select label={t("reason.list")} allowDeselect={false} value={of} data={(["refusal", "purchase"] as const).map((value) => ({ value, label: t(`reasons.${value}`) }))} onChange={(value) => setOf(value === "purchase" ? "purchase" : "refusal")} />
      )}
    </Form>
  );
}
