/* A line for a note under the chosen row: kept while typed, written on the card with Enter; Esc leads back. */

import { TextInput } from "@mantine/core";
import { useDraft } from "../drafts";
import { Icon } from "../parts";
import { useWords } from "../words";
import { useNote } from "./queries";
import styles from "./index.module.css";

export function NoteLine({ contact }: { contact: number }) {
  const t = useWords("today");
  const [text, setText, drop] = useDraft(`contact/${contact}/new-note`, "");
  const note = useNote(contact, drop);
  return (
    <form
      className={styles.note}
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() && !note.isPending) note.run(text.trim());
      }}
    >
      <label htmlFor={`note-${contact}`}>
        <Icon name="note" size={14} /> {t("note")}
      </label>
      <TextInput
        id={`note-${contact}`}
        value={text}
        maxLength={10_000}
        placeholder={t("note.how")}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.stopPropagation();
          event.currentTarget.closest("li")?.focus();
        }}
      />
      <small role="status">{note.isSuccess && text === "" ? t("note.saved") : text ? t("note.kept") : ""}</small>
    </form>
  );
}
