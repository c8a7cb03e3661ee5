/* The card of the row that is chosen, at a glance: who, what is agreed, what happened last. */

import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { useFormats } from "../formats";
import { ClockThere, HeatTag, Icon, Key, PhoneNumber, Shown, Tag, type IconName } from "../parts";
import { useWords } from "../words";
import { useGlance } from "./queries";
import styles from "./Glance.module.css";

export function Glance({ contact }: { contact: number }) {
  const t = useWords("today");
  const f = useFormats();
  const glance = useGlance(contact);
  return (
    <Shown query={glance}>
      {({ card, touches }) => (
        <div className={styles.glance}>
          <section>
            <h2 className={styles.name}>{card.name || t("unknown")}</h2>
            {card.organisation !== null && (
              <p>
                <Anchor component={Link} to={`/organisations/${card.organisation}`}>
                  {card.organisation_name}
                </Anchor>{" "}
                <span className="dim">{card.job_title}</span>
              </p>
            )}
            <p className={styles.tags}>
              <HeatTag heat={card.heat} />
              {card.city && <Tag>{card.city}</Tag>}
              {card.owner_name && <Tag>{card.owner_name}</Tag>}
              <ClockThere zone={card.timezone} />
            </p>
            {card.numbers.map((number) => (
              <p key={number}>
                <PhoneNumber number={number} contact={card.id} />
              </p>
            ))}
          </section>
          {card.note && (
            <section>
              <h3>{t("note")}</h3>
              <p className={styles.text}>{card.note}</p>
            </section>
          )}
          <section>
            <div className={styles.head}>
              <h3>{t("touches")}</h3>
              <Anchor component={Link} to={`/clients/${card.id}`}>
                {t("open")} <Key>↵</Key>
              </Anchor>
            </div>
            <ul className={styles.touches}>
              {touches.map((touch) => (
                <li key={`${touch.kind} ${touch.id} ${touch.at}`}>
                  <Icon name={ICONS[touch.kind] ?? "note"} size={14} />
                  <span className="cut">{textOf(touch.kind, touch.body, t)}</span>
                  <small>{f.shortDay(touch.at)}</small>
                </li>
              ))}
            </ul>
            {touches.length === 0 && <p className="dim">{t("touches.none")}</p>}
          </section>
        </div>
      )}
    </Shown>
  );
}

const ICONS: Readonly<Record<string, IconName>> = {
  call: "phone",
  touch: "globe",
  note: "note",
  owner: "person",
  merge: "merge",
  task: "task",
  task_ended: "check",
  scheduled: "clock",
  scheduled_ended: "clock",
  outcome: "flag",
  import: "import",
};

/** What a touch was, in one line: its own words where it has any. */
function textOf(kind: string, body: Readonly<Record<string, unknown>>, t: ReturnType<typeof useWords<"today">>): string {
  for (const field of ["text", "title", "note", "name", "outcome"]) {
    const value = body[field];
    if (typeof value === "string" && value !== "") return value;
  }
  return t(`touch.${kind}` as "touch.call");
}
