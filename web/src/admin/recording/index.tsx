/* What is recorded and how the client is told; what the site's settings decide, and where they stand. */

import { Anchor, Select, Switch, TagsInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";
import { asProblem } from "../../api";
import { useFormats } from "../../formats";
import { Columns, Empty, Middle, PageHeader, Panel, Shown } from "../../parts";
import { loadWords, useWords } from "../../words";
import { useChangeRoute, usePolicy, useRoutes, type Route } from "../routing/queries";
import { useChangePolicy, type Policy } from "./queries";
import styles from "./index.module.css";

/** Settings of the site that have to do with recordings, in the order in which they are read. */
const SETTINGS = ["way", "folder", "free_space_limit", "enabled", "languages", "model"] as const;
const PLACES: Readonly<Record<(typeof SETTINGS)[number], string>> = {
  way: "pbx.NAME.recordings.way",
  folder: "recordings.folder",
  free_space_limit: "recordings.free_space_limit",
  enabled: "transcription.enabled",
  languages: "transcription.languages",
  model: "transcription.model",
};

// The acts on routes speak in the words of that page.
void loadWords("routing");

export default function RecordingPage() {
  const t = useWords("recording");
  const routes = useRoutes();
  const policy = usePolicy();
  return (
    <>
      <PageHeader title={t("title")} />
      <Columns>
        <Middle>
          <Panel title={t("routes")} sub={t("routes.how")}>
            <Shown
              query={routes}
              isEmpty={({ items }) => items.length === 0}
              empty={
                <Empty icon="routing" title={t("routes.none")} act={<Anchor component={Link} to="/admin/routing/new">{t("routes.make")}</Anchor>}>
                  {t("routes.none.how")}
                </Empty>
              }
            >
              {({ items }) => (
                <ul className={styles.rows}>
                  {items.map((route) => (
                    <OneRoute key={route.id} route={route} />
                  ))}
                </ul>
              )}
            </Shown>
          </Panel>
          <Panel title={t("sounds")} isPadded>
            <Shown query={policy}>{(found) => <Sounds key={found.version} policy={found} />}</Shown>
          </Panel>
          <Panel title={t("settings")} isPadded>
            <p className={styles.quiet}>{t("settings.how")}</p>
            <dl className={styles.settings}>
              {SETTINGS.map((name) => (
                <div key={name} style={{ display: "contents" }}>
                  <dt>{PLACES[name]}</dt>
                  <dd>{t(`setting.${name}`)}</dd>
                </div>
              ))}
            </dl>
          </Panel>
        </Middle>
      </Columns>
    </>
  );
}

function OneRoute({ route }: { route: Route }) {
  const t = useWords("recording");
  const f = useFormats();
  const change = useChangeRoute();
  return (
    <li>
      <span>
        <Anchor component={Link} to={`/admin/routing/${encodeURIComponent(route.did ?? String(route.id))}`}>
          {route.name}
        </Anchor>
        <small>{route.did === null ? "" : route.did === "*" ? t("all") : f.phone(route.did)}</small>
      </span>
      <Switch label={t("record")} checked={route.record} onChange={(event) => change.run({ route, change: { record: event.currentTarget.checked } })} />
      <Switch label={t("notice")} checked={route.notice} onChange={(event) => change.run({ route, change: { notice: event.currentTarget.checked } })} />
    </li>
  );
}

function Sounds({ policy }: { policy: Policy }) {
  const t = useWords("recording");
  const change = useChangePolicy();
  const [sounds, setSounds] = useState(policy.sounds);
  const problem = asProblem(change.error);
  const set = (wanted: string[]) => {
    setSounds(wanted);
    change.run({ policy, change: { sounds: wanted } });
  };
  return (
    <div className={styles.fields}>
      <TagsInput
        label={t("allowed")}
        description={t("allowed.how")}
        value={sounds}
        error={problem?.within("sounds")}
        onChange={set}
      />
      <Select
        label={t("told")}
        description={t("told.how")}
        allowDeselect={false}
        value={policy.notice}
        error={problem?.field("notice")}
        data={[...new Set([policy.notice, ...policy.sounds])].filter(Boolean)}
        onChange={(notice) => notice && notice !== policy.notice && change.run({ policy, change: { notice } })}
      />
    </div>
  );
}
