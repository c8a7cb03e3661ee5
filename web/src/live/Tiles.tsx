/* How many are in each state, and since when the longest. */

import { Icon, STATE_ICONS, Timer, useSecond } from "../parts";
import { useWords } from "../words";
import { lateAt, lateCount, tilesOf, type Board, type Manager } from "./board";
import styles from "./Tiles.module.css";

export function Tiles({ board, managers }: { board: Board; managers: readonly Manager[] }) {
  const t = useWords("live");
  return (
    <dl className={styles["tiles"]} aria-label={t("states")}>
      {tilesOf(managers).map(({ name, n, since }) => (
        <div key={name} data-state={n > 0 ? name : undefined}>
          <dt>
            <Icon name={STATE_ICONS[name]} /> {t(`tile.${name}`)}
          </dt>
          <dd>
            <b>{n}</b>
            <small>
              {since && n > 0 ? (
                <>
                  {t("longest")} <Timer since={since} />
                </>
              ) : (
                "\u00a0"
              )}
            </small>
          </dd>
        </div>
      ))}
      <LateTile board={board} />
    </dl>
  );
}

function LateTile({ board }: { board: Board }) {
  const t = useWords("live");
  const second = useSecond();
  const n = lateCount(board, second);
  const oldest = lateAt(board, second)[0]?.due_at;
  return (
    <div data-state={n > 0 ? "missed" : undefined}>
      <dt>
        <Icon name="missed" /> {t("tile.late")}
      </dt>
      <dd>
        <b>{n}</b>
        <small>
          {oldest ? (
            <>
              {t("oldest")} <Timer since={oldest} />
            </>
          ) : (
            "\u00a0"
          )}
        </small>
      </dd>
    </div>
  );
}
