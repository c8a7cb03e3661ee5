/* Which of his clients go: by heat, stage, line of business, and what there is to do with them. */

import { Button, MultiSelect } from "@mantine/core";
import type { ReactNode } from "react";
import { Panel } from "../parts";
import { useFormats } from "../formats";
import { useWords } from "../words";
import { HEATS, lineText, OPEN, STAGES, toggled, type Filters } from "./choice";
import type { SetFilters } from "./index";
import type { Counted } from "./queries";
import styles from "./index.module.css";

export function Which({ counted, filters, change }: { counted: Counted; filters: Filters; change: SetFilters }) {
  const t = useWords("handover");
  const tp = useWords("parts");
  const f = useFormats();
  const of = (parts: Counted["heats"], value: string) => parts.find((part) => part.value === value)?.cards ?? 0;
  const isAll = !filters.heat && !filters.stage && !filters.line && !filters.open;
  const lines = counted.lines_of_business.filter(({ value }) => value !== "");
  const none = of(counted.lines_of_business, "");
  return (
    <Panel
      title={t("which")}
      sub={isAll ? t("which.all") : undefined}
      acts={
        !isAll && (
          <Button size="xs" variant="subtle" onClick={() => change({ heat: null, stage: null, line: null, open: null })}>
            {t("which.clear")}
          </Button>
        )
      }
      isPadded
    >
      <div className={styles["fields"]}>
        <Choice label={t("heat")}>
          {HEATS.map((heat) => (
            <Toggle key={heat} isOn={filters.heat?.split(",").includes(heat) ?? false} n={of(counted.heats, heat)} toggle={() => change({ heat: toggled(filters.heat, heat) })}>
              {heat === "none" ? t("heat.none") : tp(`heat.${heat}`)}
            </Toggle>
          ))}
        </Choice>
        <Choice label={t("stage")}>
          {STAGES.map((stage) => (
            <Toggle key={stage} isOn={filters.stage?.split(",").includes(stage) ?? false} n={of(counted.stages, stage)} toggle={() => change({ stage: toggled(filters.stage, stage) })}>
              {t(`stage.${stage}`)}
            </Toggle>
          ))}
        </Choice>
        <Choice label={t("open")}>
          {OPEN.map((open) => (
            <Toggle key={open} isOn={filters.open?.split(",").includes(open) ?? false} toggle={() => change({ open: toggled(filters.open, open) })}>
              {t(`open.${open}`)}
            </Toggle>
          ))}
        </Choice>
        {lines.length > 0 && (
          <MultiSelect
            label={t("line")}
            placeholder={filters.line ? undefined : t("line.any")}
            searchable
            clearable
            maw={520}
            value={filters.line ? filters.line.split("\n") : []}
            data={[
              ...lines.map(({ value, cards }) => ({ value: lineText(value), label: `${value} (${f.count(cards)})` })),
              ...(none > 0 ? [{ value: lineText(""), label: `${t("line.none")} (${f.count(none)})` }] : []),
            ]}
            onChange={(chosen) => change({ line: chosen.join("\n") || null })}
          />
        )}
      </div>
    </Panel>
  );
}

function Choice({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div role="group" aria-label={label} className={styles["choice"]}>
      <span className={styles["label"]}>{label}</span>
      <div>{children}</div>
    </div>
  );
}

function Toggle({ isOn, n, toggle, children }: { isOn: boolean; n?: number; toggle: () => void; children: ReactNode }) {
  const f = useFormats();
  return (
    <Button size="xs" variant={isOn ? "light" : "default"} aria-pressed={isOn} onClick={toggle}>
      {children}
      {n !== undefined && <span className={styles["n"]}>{f.count(n)}</span>}
    </Button>
  );
}
