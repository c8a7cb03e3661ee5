/* A figure that is made of people: goal calls of each manager. */

import { useFormats } from "../formats";
import { FigureLink, Icon, Shown, SidePanel } from "../parts";
import { useWords } from "../words";
import { RATINGS, type Days } from "./choice";
import { useRating } from "./reading";
import type { Show } from "./Tiles";
import styles from "./FigurePanel.module.css";

export function GoalPeople({ days, team, show, close }: { days: Days; team: number | null; show: Show; close: () => void }) {
  const t = useWords("statistics");
  const f = useFormats();
  const query = useRating(days, RATINGS.goal, team);
  return (
    <SidePanel label={t("tile.goal")} onClose={close} width={390}>
      <div className={styles["what"]}>
        <p className={styles["definition"]}>
          <Icon name="info" /> <span>{t("definition.goal")}</span>
        </p>
      </div>
      <Shown query={query}>
        {({ lines }) => (
          <ul className={styles["rows"]}>
            {lines.map((line) => (
              <li key={line.key["user"]} className={styles["row"]}>
                <span className={styles["who"]}>
                  <b className="cut">{line.name}</b>
                </span>
                <FigureLink onOpen={() => show(line.cells["numbers_long"]?.rows ?? null, line.name)}>{f.count(line.cells["numbers_long"]?.value ?? 0)}</FigureLink>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </SidePanel>
  );
}
