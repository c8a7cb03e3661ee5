/* A list that is arranged: up, down, archive and back. Archived ones stand at the end. */

import { ActionIcon, Button, UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import { Icon, Tag } from "../../parts";
import { useWords } from "../../words";
import { type Placed } from "./order";
import { useArrange, type Rows } from "./queries";
import styles from "./index.module.css";

interface RowListProps<T> {
  label: string;
  items: readonly T[];
  rows: Rows<T, { place?: number; archived?: boolean | null; version?: number }>;
  open: number | null;
  onOpen: (id: number) => void;
  nameOf: (row: T) => string;
  isArchived: (row: T) => boolean;
  about: (row: T) => string;
  tags?: (row: T) => ReactNode;
}

export function RowList<T extends Placed & { version: number }>(props: RowListProps<T>) {
  const { label, items, rows, open, onOpen, nameOf, isArchived, about, tags } = props;
  const t = useWords("fields");
  const { archive, move } = useArrange(rows);
  const used = items.filter((row) => !isArchived(row)).sort((one, other) => one.place - other.place);
  const shown = [...used, ...items.filter(isArchived)];
  return (
    <ul className={styles["rows"]} aria-label={label}>
      {shown.map((row, at) => {
        const name = nameOf(row);
        const isOld = isArchived(row);
        const step = (by: -1 | 1) => move.run({ list: used, id: row.id, by });
        return (
          <li key={row.id} className={styles["row"]} data-open={row.id === open || undefined} data-old={isOld || undefined}>
            <UnstyledButton className={styles["name"]} onClick={() => onOpen(row.id)} aria-expanded={row.id === open}>
              <b>{name}</b>
              <small>{about(row)}</small>
            </UnstyledButton>
            <span className={styles["tags"]}>{isOld ? <Tag tone="pause">{t("archived")}</Tag> : tags?.(row)}</span>
            {!isOld && (
              <>
                <ActionIcon variant="subtle" color="gray" aria-label={t("up", { name })} disabled={at === 0 || move.isPending} onClick={() => step(-1)}>
                  <Icon name="arrowUp" />
                </ActionIcon>
                <ActionIcon variant="subtle" color="gray" aria-label={t("down", { name })} disabled={at === used.length - 1 || move.isPending} onClick={() => step(1)}>
                  <Icon name="arrowDown" />
                </ActionIcon>
              </>
            )}
            <Button size="xs" variant="default" aria-label={t(isOld ? "restore.of" : "archive.of", { name })} onClick={() => archive.run({ row, archived: !isOld, name })}>
              {t(isOld ? "restore" : "archive")}
            </Button>
          </li>
        );
      })}
    </ul>
  );
}
