/* What is known of a call beside its sound: how it ended, who rang and talked, and why it went where it went. */

import { Link } from "react-router";
import type { Schemas } from "../api";
import { useSession } from "../app/session";
import { useOutcomeChoices } from "../calls/names";
import { useFormats } from "../formats";
import { useWords } from "../words";
import { useOutcomes, useRouting } from "./queries";
import { nameOf, nameOfClient } from "./story";
import styles from "./Details.module.css";

type Call = Schemas["CallView"];

export function Details({ call }: { call: Call }) {
  const t = useWords("player");
  return (
    <aside className={styles.details} aria-label={t("details")}>
      <Client call={call} />
      <Times call={call} />
      <People call={call} />
      <Transfers call={call} />
      <Outcomes call={call} />
      <Routing call={call} />
    </aside>
  );
}

function Client({ call }: { call: Call }) {
  const t = useWords("player");
  const f = useFormats();
  const shown = nameOfClient(call, f);
  return (
    <section>
      <h2>{t("client")}</h2>
      <p className={styles.name}>
        {call.contact_id === null ? shown : <Link to={`/clients/${call.contact_id}`}>{shown}</Link>}
      </p>
      <p className={styles.quiet}>{f.phone(call.client.number)}</p>
    </section>
  );
}

function Times({ call }: { call: Call }) {
  const t = useWords("player");
  const f = useFormats();
  const times: [string, number | null][] = [
    [t("time.talk"), call.talk_seconds],
    [t("time.wait"), call.wait_seconds],
    [t("time.hold"), positive(call.hold_seconds)],
    [t("time.outside"), positive(call.outside_seconds)],
  ];
  return (
    <section>
      <h2>{t("times")}</h2>
      <dl className={styles.pairs}>
        {times.map(([name, seconds]) => (
          seconds !== null && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{f.duration(seconds)}</dd>
            </div>
          )
        ))}
        <div>
          <dt>{t("began")}</dt>
          <dd>{f.exactClock(call.started_at)}</dd>
        </div>
        {call.ended_at && (
          <div>
            <dt>{t("ended")}</dt>
            <dd>{f.exactClock(call.ended_at)}</dd>
          </div>
        )}
        {call.hung_up_by && (
          <div>
            <dt>{t("hungUp")}</dt>
            <dd>{call.hung_up_by === "client" ? t("side.client") : call.hung_up_by === "manager" ? t("side.manager") : t("by.exchange")}</dd>
          </div>
        )}
        <div>
          <dt>{t("exchange")}</dt>
          <dd>{call.pbx}</dd>
        </div>
      </dl>
    </section>
  );
}

/** Only what there was. */
function positive(seconds: number | null): number | null {
  return seconds !== null && seconds > 0 ? seconds : null;
}

function People({ call }: { call: Call }) {
  const t = useWords("player");
  const f = useFormats();
  if (call.managers.length === 0) return null;
  return (
    <section>
      <h2>{t("people")}</h2>
      <ul className={styles.rows}>
        {call.managers.map((manager) => (
          <li key={manager.extension}>
            <b>{manager.name ?? manager.extension}</b>
            <span>
              {manager.talk_seconds > 0
                ? t("people.talked", { time: f.duration(manager.talk_seconds) })
                : t("people.rang", { time: f.duration(manager.rang_seconds) })}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Transfers({ call }: { call: Call }) {
  const t = useWords("player");
  const f = useFormats();
  if (call.transfers.length === 0) return null;
  return (
    <section>
      <h2>{t("transfers")}</h2>
      <ul className={styles.rows}>
        {call.transfers.map((transfer) => (
          <li key={transfer.at}>
            <b>{t("transfer.who", { by: nameOf(call, transfer.by), to: nameOf(call, transfer.taken_by ?? transfer.to) })}</b>
            <span>
              {f.exactClock(transfer.at)} · {t(transfer.kind === "attended" ? "transfer.attended" : "transfer.blind")}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Outcomes({ call }: { call: Call }) {
  const t = useWords("player");
  const f = useFormats();
  const may = useSession().may("outcomes.write_own");
  const names = useOutcomeChoices(may);
  const nameOfOutcome = (key: string) => names.find(({ value }) => value === key)?.label ?? key;
  const found = useOutcomes(call.id, may);
  const items = found.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section>
      <h2>{t("outcomes")}</h2>
      <ul className={styles.rows}>
        {items.map((outcome) => (
          <li key={outcome.id}>
            <b>{nameOfOutcome(outcome.outcome)}</b>
            <span>{outcome.note || f.moment(outcome.at)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Routing({ call }: { call: Call }) {
  const t = useWords("player");
  const f = useFormats();
  const may = useSession().may("routing.read");
  const found = useRouting(call.id, may);
  const items = found.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section>
      <h2>{t("routing")}</h2>
      <ul className={styles.rows}>
        {items.flatMap((decision) =>
          decision.reasons.map((reason, at) => (
            <li key={`${decision.n} ${at}`}>
              <span>{f.exactClock(decision.at)}</span>
              <span>{reason.text}</span>
            </li>
          )),
        )}
      </ul>
    </section>
  );
}
