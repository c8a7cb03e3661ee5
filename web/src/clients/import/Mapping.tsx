/* What each column of the file becomes, with what stands in it. */

import { Select } from "@mantine/core";
import { asProblem } from "../../api";
import { useFormats } from "../../formats";
import { Panel } from "../../parts";
import { useWords } from "../../words";
import { useCustomFields } from "../queries";
import { useCorrect, type Import } from "./queries";
import { TARGETS, withTarget } from "./steps";
import styles from "./index.module.css";

export function Mapping({ of }: { of: Import }) {
  const t = useWords("imports");
  const f = useFormats();
  const fields = useCustomFields();
  const correct = useCorrect(of.id);
  const problem = asProblem(correct.error);
  const choices = [
    ...TARGETS.map((value) => ({ value: value, label: t(`target.${value}`) })),
    ...(fields.data?.items ?? []).map(({ key, label }) => ({ value: `field:${key}`, label })),
  ];
  const sent = correct.isPending || problem ? correct.variables?.input.targets : undefined;
  const targets = sent ?? of.targets;
  return (
    <Panel title={t("columns")} sub={t("columns.how")}>
      <ul className={styles.columns}>
        {of.columns.map((column) => (
          <li key={column.index}>
            <span>
              <b className="cut">{column.header || t("column", { n: column.index + 1 })}</b>
              <small className="cut dim">{column.samples.join(" · ") || t("column.empty")}</small>
            </span>
            <small className="dim">{t("column.filled", { share: f.share(column.filled) })}</small>
            <Select
              aria-label={t("column.becomes", { name: column.header || String(column.index + 1) })}
              allowDeselect={false}
              searchable
              value={targets[column.index] ?? "ignore"}
              data={choices}
              error={problem?.field(`targets/${column.index}`) ?? false}
              onChange={(target) => target && correct.run({ version: of.version, targets: withTarget(targets, column.index, target) })}
            />
          </li>
        ))}
      </ul>
      {problem && (problem.field("targets") ?? (problem.errors.length === 0 ? problem.detail : null)) && (
        <p role="alert" className={styles.fault}>
          {problem.field("targets") ?? problem.detail}
        </p>
      )}
    </Panel>
  );
}
