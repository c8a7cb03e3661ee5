/* Filters that stay in the address: chips that show them and take them away. */

import { Button, UnstyledButton } from "@mantine/core";
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import { useWords } from "../words";
import styles from "./Chips.module.css";
import { Icon } from "./Icon";

/** The filters of a list by name, as they stand in the address, and how to change some: null takes one away. */
export function useFilters<Name extends string>(
  names: readonly Name[],
): [Readonly<Partial<Record<Name, string>>>, (change: Partial<Record<Name, string | null>>) => void] {
  const [params, setParams] = useSearchParams();
  const text = names.map((name) => params.get(name) ?? "").join("\u0000");
  const filters = useMemo(() => {
    const values = text.split("\u0000");
    const set = names.map((name, at) => [name, values[at]] as const).filter(([, value]) => value);
    return Object.fromEntries(set) as Partial<Record<Name, string>>;
    // The text stands for the parameters; names are constants of the page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text]);
  const change = useCallback(
    (some: Partial<Record<Name, string | null>>) => {
      setParams(
        () => {
          // What the address has now: two fields may change it before the page is drawn anew.
          const next = new URLSearchParams(location.search);
          for (const [name, value] of Object.entries(some) as [Name, string | null | undefined][]) {
            if (value) next.set(name, value);
            else next.delete(name);
          }
          return next;
        },
        { replace: true },
      );
    },
    [setParams],
  );
  return [filters, change];
}

export interface ChipProps {
  name: string;
  value: string;
  onRemove: () => void;
}

/** One filter that is set: "Manager: Anna ×". */
export function Chip({ name, value, onRemove }: ChipProps) {
  const t = useWords("parts");
  return (
    <span className={styles["chip"]}>
      <span className="cut">
        {name}: {value}
      </span>
      <UnstyledButton className={styles["remove"]} aria-label={t("chip.remove", { name })} onClick={onRemove}>
        <Icon name="close" size={12} />
      </UnstyledButton>
    </span>
  );
}

/** All filters that are set, and a way to take all away. */
export function Chips({ chips, onClear }: { chips: readonly (ChipProps & { key: string })[]; onClear: () => void }) {
  const t = useWords("parts");
  if (chips.length === 0) return null;
  return (
    <div className={styles["chips"]}>
      {chips.map(({ key, ...chip }) => (
        <Chip key={key} {...chip} />
      ))}
      {chips.length > 1 && (
        <Button size="xs" variant="subtle" onClick={onClear}>
          {t("chip.clear")}
        </Button>
      )}
    </div>
  );
}
