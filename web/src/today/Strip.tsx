/* Own figures of today against the goal; each opens what it counts. */

import { FigureLink, GoalBar, SkeletonBlock } from "../parts";
import { useFormats } from "../formats";
import { useWords } from "../words";
import { aheadBy, type Day } from "./day";
import styles from "./Strip.module.css";

export function Strip({ day }: { day: Day }) {
  const t = useWords("today");
  const f = useFormats();
  const { figures } = day;
  const goal = figures.goals[0];
  const today = `/calls?period=today&manager=${day.user}`;
  return (
    <section className={styles.strip} aria-label={t("figures")}>
      {goal && (
        <div className={styles.goal}>
          <div className={styles.line}>
            <FigureLink to="/me" className={styles.big}>
              {f.count(goal.done)}
            </FigureLink>
            <span>{t(goal.measure === "numbers" ? "goal.calls" : "goal.of", { target: f.count(goal.target), count: goal.target })}</span>
            <GoalBar value={goal.done} goal={goal.target} pace={goal.expected} />
          </div>
          <Pace goal={goal} />
        </div>
      )}
      <Figure name={t("talk")} to={`${today}&figure=talk_seconds`} definition={t("talk.how")}>
        {f.sum(figures.talk_seconds)}
      </Figure>
      <Figure name={t("calls")} to={`${today}&figure=calls`} definition={t("calls.how")}>
        {f.count(figures.calls)}
      </Figure>
      <Figure name={t("returned")} to={`/calls?period=today&manager=${day.user}&figure=missed`} definition={t("returned.how", { n: day.minutes ?? 5 })}>
        {t("part", { n: f.count(figures.returned.in_time), of: f.count(figures.returned.of) })}
      </Figure>
      {figures.week?.share != null && (
        <Figure name={t("week")} to="/me" definition={t("week.how")}>
          {f.share(figures.week.share)}
        </Figure>
      )}
    </section>
  );
}

function Pace({ goal }: { goal: Day["figures"]["goals"][number] }) {
  const t = useWords("today");
  const ahead = aheadBy(goal);
  const word = goal.reached ? t("pace.reached") : ahead === 0 ? t("pace.even") : t(ahead > 0 ? "pace.ahead" : "pace.behind", { count: Math.abs(ahead) });
  return (
    <small className={styles.pace} data-tone={goal.reached || ahead >= 0 ? "good" : "bad"}>
      <b>{word}</b> <FigureLink definition={t("pace.how")}>{t("pace.counted")}</FigureLink>
    </small>
  );
}

function Figure({ name, to, definition, children }: { name: string; to: string; definition: string; children: React.ReactNode }) {
  return (
    <div className={styles.figure}>
      <small>{name}</small>
      <FigureLink to={to} definition={definition} className={styles.value}>
        {children}
      </FigureLink>
    </div>
  );
}

export function StripSkeleton() {
  return <div className={styles.strip} aria-busy="true"><SkeletonBlock height={46} /></div>;
}
