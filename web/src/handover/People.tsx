/* Who has how many clients; whoever is chosen hands them over. */

import { Icon, Panel, Tag } from "../parts";
import { useFormats } from "../formats";
import { useWords } from "../words";
import type { Clientele } from "./queries";
import styles from "./index.module.css";

export function People({ people, choose }: { people: readonly Clientele[]; choose: (user: number) => void }) {
  const t = useWords("handover");
  const f = useFormats();
  const rank = (one: Clientele) => (one.active ? (one.cards > 0 ? 1 : 2) : 0);
  const rows = [...people].sort((one, other) => rank(one) - rank(other) || f.byName(one.name, other.name));
  return (
    <Panel title={t("whose")}>
      <p className={styles["none"]}>{t("whose.how")}</p>
      <div role="table" aria-label={t("whose")} className={styles["people"]}>
        <div role="row" className={styles["heads"]}>
          {(["name", "cards", "tasks", "planned", "missed"] as const).map((name) => (
            <span key={name} role="columnheader">
              {t(`head.${name}`)}
            </span>
          ))}
          <span role="columnheader" className="unseen">
            {t("choose")}
          </span>
        </div>
        {rows.map((one) => (
          <div key={one.user} role="row" data-empty={one.cards === 0 || undefined}>
            <span role="cell" className={styles["name"]}>
              <b className="cut">{one.name}</b>
              {!one.active && (
                <Tag tone="warn" icon="warn">
                  {t("left")}
                </Tag>
              )}
            </span>
            {([one.cards, one.tasks, one.scheduled, one.missed] as const).map((n, at) => (
              <span key={at} role="cell" data-missed={(at === 3 && n > 0) || undefined}>
                {f.count(n)}
              </span>
            ))}
            <span role="cell">
              {one.cards > 0 && (
                <button type="button" className={styles["choose"]} aria-label={t("chooseOf", { name: one.name })} onClick={() => choose(one.user)}>
                  {t("choose")} <Icon name="right" size={14} />
                </button>
              )}
            </span>
          </div>
        ))}
      </div>
    </Panel>
  );
}
