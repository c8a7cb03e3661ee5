/* A new task: what, when, for whom. What is typed is kept until it is made. */

import { Button, Select, Textarea, TextInput } from "@mantine/core";
import { useId } from "react";
import { useDraft } from "../drafts";
import { asProblem } from "../api";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { useContactName } from "../calls/names";
import { Icon, SidePanel } from "../parts";
import { useWords } from "../words";
import { KINDS } from "./filters";
import { useMakeTask } from "./queries";
import { WhenField } from "./WhenField";
import styles from "./index.module.css";

interface Draft {
  readonly title: string;
  readonly note: string;
  readonly kind: (typeof KINDS)[number];
  /** A moment; null: none. */
  readonly due: string | null;
  readonly owner: string | null;
}

const EMPTY: Draft = { title: "", note: "", kind: "own", due: null, owner: null };

/** @param contact the client it is about; null: none
 * @param close also after it was made
 */
export function NewTask({ contact, close }: { contact: number | null; close: () => void }) {
  const t = useWords("tasks");
  const form = useId(); // the button stands below what scrolls, outside of the form; Enter in a field is a click on it
  const session = useSession();
  const [draft, setDraft, drop] = useDraft(contact === null ? "tasks/new" : `tasks/new/${contact}`, EMPTY);
  const client = useContactName(contact === null ? undefined : String(contact));
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
      due_at: draft.due,
      owner: draft.owner ? Number(draft.owner) : session.userId,
      contact,
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
        {client && (
          <p className="cut">
            <Icon name="person" size={14} /> {client}
          </p>
        )}
        <TextInput data-autofocus label={t("field.title")} value={draft.title} maxLength={200} error={field("title")} onChange={(event) => set({ title: event.currentTarget.value })} />
        <Select label={t("field.kind")} value={draft.kind} allowDeselect={false} data={KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))} error={field("kind")} onChange={(value) => set({ kind: KINDS.find((kind) => kind === value) ?? "own" })} />
        <WhenField label={t("field.due")} value={draft.due} error={field("due_at")} onChange={(due) => set({ due })} />
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
