/* Figures that are made of people: goal calls of each manager, and missed clients with what became of them. */

import { Link } from "react-router";
import { useFormats } from "../formats";
import { FigureLink, Icon, Notice, Shown, SidePanel, Tag, useMinute } from "../parts";
import { useWords } from "../words";
import { fateOf, RATINGS, returned, type Days } from "./choice";
import { useRating, useReturned, type Missed } from "./reading";
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

const TONES = { inTime: "talk", later: "warn", never: "miss" } as const;

export function MissedPeople({ since, until, close }: { since: string; until: string; close: () => void }) {
  const t = useWords("statistics");
  const f = useFormats();
  const now = useMinute();
  const query = useReturned(since, until);
  return (
    <SidePanel label={t("tile.returned")} onClose={close} width={390}>
      <Shown query={query} isEmpty={(all) => all.length === 0} empty={<Notice icon="done" title={t("returned.none")} />}>
        {(all) => {
          const counted = all.flatMap((one) => {
            const fate = fateOf(one, now);
            return fate ? [{ one, fate }] : [];
          });
          const { inTime, of } = returned(all, now);
          return (
            <>
              <div className={styles["what"]}>
                <p className={styles["n"]}>
                  <b>{f.count(inTime)}</b> {t("returned.of", { count: of })}
                </p>
                <p className={styles["definition"]}>
                  <Icon name="info" /> <span>{t("definition.returned")}</span>
                </p>
              </div>
              <ul className={styles["rows"]}>
                {counted.map(({ one, fate }) => (
                  <li key={one.id} className={styles["row"]}>
                    <time>{since === until ? f.clock(one.last_at) : f.moment(one.last_at)}</time>
                    <Client one={one} />
                    <Tag tone={TONES[fate]}>{t(`fate.${fate}`)}</Tag>
                  </li>
                ))}
              </ul>
            </>
          );
        }}
      </Shown>
    </SidePanel>
  );
}

function Client({ one }: { one: Missed }) {
  const t = useWords("statistics");
  const f = useFormats();
  const name = f.client(one.contact_name, one.number);
  return (
    <span className={styles["who"]}>
      {one.contact === null ? (
        <b className="cut">{name}</b>
      ) : (
        <Link className="cut" to={`/clients/${one.contact}`}>
          {name}
        </Link>
      )}
      <small className="cut">{[t("calledTimes", { count: one.calls }), one.owner_name].filter(Boolean).join(" · ")}</small>
    </span>
  );
}
