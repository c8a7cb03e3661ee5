/* A new task: what, when, for whom. What is typed is kept until it is made. */

import { Button, Select, Textarea, TextInput } from "@mantine/core";
import { useId } from "react";
import { useSearchParams } from "react-router";
import { useDraft } from "../drafts";
import { asProblem } from "../api";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { SidePanel } from "../parts";
import { useWords } from "../words";
import { KINDS } from "./filters";
import { useMakeTask } from "./queries";
import styles from "./index.module.css";

interface Draft {
  readonly title: string;
  readonly note: string;
  readonly kind: (typeof KINDS)[number];
  /** `2026-11-24T16:00` by the reader's clock. */
  readonly due: string;
  readonly owner: string | null;
}

const EMPTY: Draft = { title: "", note: "", kind: "own", due: "", owner: null };

export function NewTask({ close }: { close: () => void }) {
  const t = useWords("tasks");
  const form = useId(); // the button stands below what scrolls, outside of the form; Enter in a field is a click on it
  const session = useSession();
  const contact = useSearchParams()[0].get("contact");
  const [draft, setDraft, drop] = useDraft("tasks/new", EMPTY);
  const people = useColleagueChoices(session.may("tasks.write_all"));
  const make = useMakeTask(() => {
    drop();
    close();
  });
  const set = (some: Partial<Draft>) => setDraft({ ...draft, ...some });
  const problem = asProblem(make.error);
  const field = (name: string) => problem?.field(name) ?? null;
  const send = () =>
    make.run({
      kind: draft.kind,
      title: draft.title.trim(),
      note: draft.note,
      due_at: draft.due ? new Date(draft.due).toISOString() : null,
      owner: draft.owner ? Number(draft.owner) : session.userId,
      contact: contact && /^\d{1,15}$/.test(contact) ? Number(contact) : null,
    });
  return (
    <SidePanel
      label={t("new")}
      onClose={close}
      closesFromFields
      foot={
        <Button loading={make.isPending} disabled={draft.title.trim() === ""} type="submit" form={form} fullWidth>
          {t("make")}
        </Button>
      }
    >
      <form
        id={form}
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (draft.title.trim()) send();
        }}
      >
        <TextInput data-autofocus label={t("field.title")} value={draft.title} maxLength={200} error={field("title")} onChange={(event) => set({ title: event.currentTarget.value })} />
        <Select label={t("field.kind")} value={draft.kind} allowDeselect={false} data={KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))} error={field("kind")} onChange={(value) => set({ kind: KINDS.find((kind) => kind === value) ?? "own" })} />
        <TextInput type="datetime-local" label={t("field.due")} value={draft.due} error={field("due_at")} onChange={(event) => set({ due: event.currentTarget.value })} />
        {people.length > 0 && <Select label={t("field.owner")} placeholder={t("me")} searchable clearable value={draft.owner} data={people} error={field("owner")} onChange={(owner) => set({ owner })} />}
        <Textarea label={t("field.note")} autosize minRows={3} maxLength={10_000} value={draft.note} error={field("note")} onChange={(event) => set({ note: event.currentTarget.value })} />
        {problem?.errors.length === 0 && (
          <p role="alert" className={styles.fault}>
            {problem.detail}
          </p>
        )}
      </form>
    </SidePanel>
  );
}
