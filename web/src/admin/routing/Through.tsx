/* What came through a route in the last days, by the step that took the calls; every figure opens its calls. */

import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { useFormats } from "../../formats";
import { FigureLink, Panel, Shown, useMinute } from "../../parts";
import { useWords } from "../../words";
import { useFigures, useStepNames, type Route } from "./queries";
import { callsAddress, parts, type Part } from "./through";
import styles from "./Through.module.css";

const DAYS = 7;
const DAY_MS = 86_400_000;

export function Through({ route }: { route: Route }) {
  const t = useWords("routing");
  const f = useFormats();
  const now = useMinute();
  const days = { since: f.isoDay(now - (DAYS - 1) * DAY_MS), until: f.isoDay(now) };
  const figures = useFigures(route.id, days);
  const names = useStepNames();
  const nameOf = (part: Part) => (part.result !== "answered" ? t(`through.${part.result}`) : part.step === "" ? t("through.other") : names(part.step));
  const all = figures.data?.calls ?? 0;
  return (
    <Panel
      title={t("through")}
      sub={figures.data && t("through.calls", { count: all })}
      acts={
        all > 0 && (
          <Anchor component={Link} to={callsAddress(route.id, days)}>
            {t("through.open")}
          </Anchor>
        )
      }
      isPadded
    >
      <Shown query={figures} isEmpty={({ calls }) => calls === 0} empty={<p className={styles["none"]}>{t("through.none")}</p>}>
        {(found) => (
          <>
            <div className={styles["bar"]} aria-hidden="true">
              {parts(found).map((part, at) => (
                <i key={`${part.step} ${part.result}`} data-missed={part.result === "missed" || undefined} data-at={Math.min(at, 3)} style={{ flexGrow: part.calls }} />
              ))}
            </div>
            <ul className={styles["legend"]} aria-label={t("through")}>
              {parts(found).map((part, at) => (
                <li key={`${part.step} ${part.result}`}>
                  <i data-missed={part.result === "missed" || undefined} data-at={Math.min(at, 3)} />
                  <FigureLink to={callsAddress(route.id, days, part)}>
                    <b>{f.count(part.calls)}</b>
                    <span className="unseen"> {nameOf(part)}</span>
                  </FigureLink>
                  <span aria-hidden="true">{nameOf(part)}</span>
                </li>
              ))}
            </ul>
          </>
        )}
      </Shown>
    </Panel>
  );
}
