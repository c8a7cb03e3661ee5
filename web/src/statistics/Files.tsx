/* The same figures as files; who takes one is written into the audit. */

import { Menu } from "@mantine/core";
import { useFormats } from "../formats";
import { useWords } from "../words";
import type { Days } from "./choice";

const FILES = ["ratings", "company", "hours"] as const;
const FORMATS = ["csv", "xlsx"] as const;

export function Files({ days, by, team, told }: { days: Days; by: { by: string; direction?: string }; team: number | null; told: () => void }) {
  const t = useWords("statistics");
  const { language } = useFormats();
  const address = (file: (typeof FILES)[number], format: string) => {
    const own = { ...(file === "ratings" ? by : {}), ...(team === null ? {} : { team: String(team) }) };
    return `/api/v1/reports/${file}?${new URLSearchParams({ ...days, ...own, format, language }).toString()}`;
  };
  return FILES.flatMap((file) =>
    FORMATS.map((format) => (
      <Menu.Item key={`${file}.${format}`} component="a" href={address(file, format)} download onClick={told}>
        {t(`file.${file}`)}, {format.toUpperCase()}
      </Menu.Item>
    )),
  );
}
