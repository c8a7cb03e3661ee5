/* The word above a field that is saved as typed: Saving..., Saved, or why not; and the choice after a conflict. */

import { Button } from "@mantine/core";
import { Icon } from "../parts/Icon";
import { useWords } from "../words";
import type { Saving } from "./saving";
import styles from "./SavedState.module.css";

export function SavedWord({ state }: { state: Saving }) {
  const t = useWords("parts");
  if (state.kind === "saving" || state.kind === "typed") return <span className={styles["word"]}>{t("field.saving")}</span>;
  if (state.kind === "kept") return <span className={styles["word"]}>{t("field.kept")}</span>;
  if (state.kind !== "saved") return null;
  return (
    <span className={styles["word"]} data-saved>
      <Icon name="check" size={12} /> {t("field.saved")}
    </span>
  );
}

export interface ConflictProps {
  state: Saving;
  keepMine: () => void;
  takeTheirs: () => void;
  /** Writes a value for a person. */
  show?: (value: unknown) => string;
}

/** Offers both texts where somebody else wrote meanwhile; nothing else. */
export function Conflict({ state, keepMine, takeTheirs, show = String }: ConflictProps) {
  const t = useWords("parts");
  if (state.kind !== "conflict") return null;
  const empty = state.theirs === null || state.theirs === undefined || state.theirs === "";
  return (
    <div className={styles["conflict"]} role="alert">
      <p>{t("field.conflict", { theirs: empty ? t("field.empty") : show(state.theirs) })}</p>
      <Button size="xs" onClick={keepMine}>
        {t("field.mine")}
      </Button>
      <Button size="xs" onClick={takeTheirs}>
        {t("field.theirs")}
      </Button>
    </div>
  );
}
