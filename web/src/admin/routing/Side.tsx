/* Beside a route: trying it, the hours that hold for it, and its versions. */

import { Anchor, Button } from "@mantine/core";
import { Link } from "react-router";
import { useFormats } from "../../formats";
import { Moment, Shown, SidePanel, Tag } from "../../parts";
import { useDoerName } from "../../app/colleagues";
import { useWords } from "../../words";
import { useHours, useRestore, useVersions, type Route } from "./queries";
import { Try } from "./Try";
import styles from "./index.module.css";

/** Monday, for the names of the days. */
const MONDAY = Date.UTC(2024, 0, 1, 12);
const DAY_MS = 86_400_000;

export function Side({ route }: { route: Route }) {
  const t = useWords("routing");
  return (
    <SidePanel label={t("side")} width={340}>
      {route.did && <Try key={route.id} did={route.did} />}
      <Hours route={route} />
      <Versions route={route} />
    </SidePanel>
  );
}

function Hours({ route }: { route: Route }) {
  const t = useWords("routing");
  const f = useFormats();
  const hours = useHours();
  const days = new Intl.DateTimeFormat(f.language, { weekday: "short", timeZone: "UTC" });
  return (
    <section className={styles.part} aria-label={t("hours")}>
      <h2>{t("hours")}</h2>
      <Shown query={hours}>
        {({ items }) => {
          const own = items.find((table) => table.did !== null && table.did === route.did);
          const table = route.hours ?? own ?? items.find(({ did, user }) => did === null && user === null);
          if (!table) return <p className={styles.quiet}>{t("hours.none")}</p>;
          return (
            <>
              <p className={styles.quiet}>
                {t(route.hours ? "hours.route" : own ? "hours.number" : "hours.company")} · {table.timezone}
              </p>
              <dl className={styles.week}>
                {table.week.map((spans, day) => (
                  <div key={day} style={{ display: "contents" }}>
                    <dt>{days.format(MONDAY + day * DAY_MS)}</dt>
                    <dd>{spans.join(", ") || t("hours.closed")}</dd>
                  </div>
                ))}
              </dl>
            </>
          );
        }}
      </Shown>
      <Anchor component={Link} to="/admin/hours">
        {t("hours.change")}
      </Anchor>
    </section>
  );
}

function Versions({ route }: { route: Route }) {
  const t = useWords("routing");
  const versions = useVersions(route);
  const doer = useDoerName();
  const restore = useRestore();
  return (
    <section className={styles.part} aria-label={t("versions")}>
      <h2>{t("versions")}</h2>
      <Shown query={versions}>
        {({ items }) => (
          <ol className={styles.answers}>
            {items.map((version) => (
              <li key={version.version}>
                <b>{version.version}</b>
                <span>
                  <Moment at={version.at} /> <small>{doer(version.by)}</small>
                  {version.version === route.version ? (
                    <Tag tone="talk">{t("version.now")}</Tag>
                  ) : (
                    <Button size="xs" variant="default" aria-label={t("restore.of", { version: version.version })} onClick={() => restore.run({ route, to: version.version })}>
                      {t("restore")}
                    </Button>
                  )}
                </span>
              </li>
            ))}
          </ol>
        )}
      </Shown>
    </section>
  );
}
