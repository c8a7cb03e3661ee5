/* The field above a list that is searched as one types; `/` goes to it. */

import { TextInput } from "@mantine/core";
import { Icon, Key } from "../parts";
import styles from "./Search.module.css";

export interface SearchProps {
  label: string;
  value: string | undefined;
  onChange: (text: string) => void;
}

export function Search({ label, value, onChange }: SearchProps) {
  return (
    <TextInput
      data-filter
      type="search"
      className={styles.search ?? ""}
      aria-label={label}
      placeholder={label}
      maxLength={100}
      leftSection={<Icon name="search" />}
      rightSection={<Key>/</Key>}
      value={value ?? ""}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
