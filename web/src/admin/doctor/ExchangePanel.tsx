/* The gateway's own exchange: its phones, its lines to providers, and who is locked out. */

import { Icon, Moment, Panel, Shown, Tag } from "../../parts";
import { useWords } from "../../words";
import { useExchange, type Exchange } from "./queries";
import styles from "./index.module.css";

type Standing = NonNullable<Exchange["standing"]>;

export function ExchangePanel() {
  const t = useWords("doctor");
  const exchange = useExchange();
  const standing = exchange.data?.standing;
  return (
    <Panel title={t("exchange")} sub={standing && t("exchange.calls", { count: standing.calls })}>
      <Shown query={exchange}>{(found) => (found.standing ? <Stands standing={found.standing} /> : <Trouble exchange={found} />)}</Shown>
    </Panel>
  );
}

const TROUBLES = ["starting", "port_taken", "address_missing", "address_public", "engine_missing", "worker_not_started", "not_started", "no_answer"] as const;

function Trouble({ exchange }: { exchange: Exchange }) {
  const t = useWords("doctor");
  const word = TROUBLES.find((code) => code === exchange.code);
  return (
    <ul className={styles.rows}>
      <Row level={exchange.has_exchange ? "fault" : "none"} word={exchange.has_exchange ? t("level.fault") : t("exchange.unused")}>
        <p>{!exchange.has_exchange ? t("exchange.none") : word ? t(`trouble.${word}`) : exchange.trouble}</p>
      </Row>
    </ul>
  );
}

function Stands({ standing }: { standing: Standing }) {
  const t = useWords("doctor");
  return (
    <>
      <h3 className={styles.area}>{t("trunks")}</h3>
      <ul className={styles.rows}>
        {standing.trunks.length === 0 && (
          <Row level="none" word={t("exchange.unused")}>
            <p>{t("trunks.none")}</p>
          </Row>
        )}
        {standing.trunks.map((trunk) => (
          <Row
            key={trunk.name}
            level={trunk.works === null ? "none" : trunk.works ? "ok" : "fault"}
            word={trunk.works === null ? t("unknown") : trunk.works ? t("level.ok") : t("level.fault")}
          >
            <p>{trunk.name}</p>
            <small>{[t(`registration.${trunk.registration}` as "registration.none"), trunk.works === false ? trunk.text : ""].filter(Boolean).join(" · ")}</small>
          </Row>
        ))}
      </ul>
      <h3 className={styles.area}>{t("phones")}</h3>
      <ul className={styles.rows}>
        {standing.phones.length === 0 && (
          <Row level="none" word={t("exchange.unused")}>
            <p>{t("phones.none")}</p>
          </Row>
        )}
        {standing.phones.map((phone) => (
          <Row key={phone.endpoint} level={phone.registered ? "ok" : "none"} word={phone.registered ? t("phone.on") : t("phone.off")}>
            <p>{phone.extension}</p>
            <small>{phone.places.map((place) => [place.user_agent, place.address].filter(Boolean).join(", ")).join(" · ")}</small>
          </Row>
        ))}
      </ul>
      {standing.lock_outs.length > 0 && (
        <>
          <h3 className={styles.area}>{t("locked")}</h3>
          <ul className={styles.rows}>
            {standing.lock_outs.map((lock) => (
              <Row key={`${lock.host} ${lock.account}`} level="advice" word={t("level.advice")}>
                <p>
                  {lock.host} {lock.account && <Tag>{lock.account}</Tag>}
                </p>
                <small>
                  {t("locked.until")} <Moment at={lock.until} />
                </small>
              </Row>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

const ICONS = { ok: "done", advice: "warn", fault: "fault", none: "minus" } as const;

function Row({ level, word, children }: { level: keyof typeof ICONS; word: string; children: React.ReactNode }) {
  return (
    <li data-level={level}>
      <span className={styles.level} data-level={level}>
        <Icon name={ICONS[level]} size={16} />
        {word}
      </span>
      <div className={styles.what}>{children}</div>
    </li>
  );
}
