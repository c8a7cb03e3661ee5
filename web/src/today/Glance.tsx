/* A client's card at a glance: who, what he said last, what is open, what happened last. */

import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { useCaller, type Caller } from "../caller/useCaller";
import { number, signOf, type Entry } from "../clients/entries";
import { tame, useFormats } from "../formats";
import { ClockThere, HeatTag, Icon, Key, PhoneNumber, Shown, Tag } from "../parts";
import { useWords } from "../words";
import { useGlance } from "./queries";
import styles from "./Glance.module.css";

/** @param call the one in which he rings or talks; then his last words and his open tasks are shown too */
export function Glance({ contact, call }: { contact: number; call?: string }) {
  const t = useWords("today");
  const f = useFormats();
  const glance = useGlance(contact);
  const caller = useCaller(call).data;
  return (
    <Shown query={glance}>
      {({ card, touches }) => (
        <div className={styles.glance}>
          <section>
            <h2 className={styles.name}>{f.client(card.name)}</h2>
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
            {card.numbers.map((one) => (
              <p key={one}>
                <PhoneNumber number={one} contact={card.id} />
              </p>
            ))}
          </section>
          {caller?.last_words && <LastWords said={caller.last_words} />}
          {caller && caller.tasks.length > 0 && <OpenTasks caller={caller} />}
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
              {touches
                .filter((touch) => touch.id !== call)
                .map((touch) => (
                  <Touch key={`${touch.kind} ${touch.id} ${touch.at}`} touch={touch} />
                ))}
            </ul>
            {touches.length === 0 && <p className="dim">{t("touches.none")}</p>}
          </section>
        </div>
      )}
    </Shown>
  );
}

/** What he said at the end of the last call, and the way to its sound. */
function LastWords({ said }: { said: NonNullable<Caller["last_words"]> }) {
  const t = useWords("today");
  const f = useFormats();
  const first = said.words[0];
  if (!first) return null;
  return (
    <section>
      <h3>{t("lastWords", { when: f.moment(said.at) })}</h3>
      <blockquote className={styles.said}>{said.words.map((one) => tame(one.text)).join(" ")}</blockquote>
      <Anchor component={Link} to={`/calls/${said.call}?t=${Math.floor(first.second)}`} className={styles.hear ?? ""}>
        <Icon name="play" size={14} /> {t("lastWords.hear", { time: f.duration(Math.floor(first.second)) })}
      </Anchor>
    </section>
  );
}

function OpenTasks({ caller }: { caller: Caller }) {
  const t = useWords("today");
  const f = useFormats();
  return (
    <section>
      <h3>{t("openTasks", { n: f.count(caller.tasks_open) })}</h3>
      <ul className={styles.touches}>
        {caller.tasks.map((task) => (
          <li key={task.id}>
            <Icon name="task" size={14} />
            <span className="cut">{task.title ? tame(task.title) : t(`kind.${task.kind}`)}</span>
            <small>{task.due_at && f.moment(task.due_at)}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Touch({ touch }: { touch: Entry }) {
  const f = useFormats();
  const t = useWords("today");
  const { icon, tone } = signOf(touch);
  return (
    <li>
      <span className={styles.sign} data-tone={tone}>
        <Icon name={icon} size={14} />
      </span>
      <span className="cut">{textOf(touch, t, f.duration)}</span>
      <small>{f.daysFrom(touch.at) === 0 ? f.clock(touch.at) : f.shortDay(touch.at)}</small>
    </li>
  );
}

/** What a touch was, in one line: its own words where it has any. */
function textOf({ kind, body }: Entry, t: ReturnType<typeof useWords<"today">>, duration: (seconds: number) => string): string {
  const seconds = number(body, "talk_seconds");
  if (kind === "call") return seconds > 0 ? t("touch.talked", { time: duration(seconds) }) : t(body["result"] === "missed" ? "touch.missed" : "touch.call");
  for (const field of ["text", "title", "note", "name", "outcome"]) {
    const value = body[field];
    if (typeof value === "string" && value !== "") return tame(value);
  }
  return t(`touch.${kind}` as "touch.call");
}
