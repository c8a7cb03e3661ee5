import { Button, Checkbox, Popover, Stack } from "@mantine/core";
import { useMemo } from "react";
import { usePreference } from "../app/preferences";
import { useWords } from "../words";
import { Icon } from "./Icon";

interface Choosable {
  readonly name: string;
  readonly head: React.ReactNode;
}

const NONE: readonly string[] | null = null;

/** Which columns of a list a person wants, and the button to choose them.
 * @param list its name, such as `calls`
 * @param first names shown where nothing was chosen
 */
export function useColumns(list: string, columns: readonly Choosable[], first?: readonly string[]): [readonly string[], React.ReactNode] {
  const t = useWords("parts");
  const [chosen, choose] = usePreference<readonly string[] | null>(`columns.${list}`, NONE);
  const shown = useMemo(() => {
    const wanted = chosen ?? first ?? columns.map((column) => column.name);
    return columns.map((column) => column.name).filter((name) => wanted.includes(name));
  }, [chosen, columns, first]);
  const button = (
    <Popover position="bottom-end">
      <Popover.Target>
        <Button leftSection={<Icon name="columns" />}>{t("table.columns")}</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={8}>
          {columns.map(({ name, head }) => (
            <Checkbox
              key={name}
              label={head}
              checked={shown.includes(name)}
              disabled={shown.length === 1 && shown.includes(name)}
              onChange={() => choose(shown.includes(name) ? shown.filter((other) => other !== name) : [...shown, name])}
            />
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
  return [shown, button];
}
