/* What was sent to a receiver, the newest first, with every attempt; what failed is sent again by hand. */

import { Button, Code, Select } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api";
import { Empty, Failed, Moment, Panel, Shown, SkeletonRows, Tag, type Tone } from "../../parts";
import { asProblem } from "../../api";
import { useWords } from "../../words";
import { useAttempts, useDeliveries, useResend, useResendAll, useTest, type Delivery, type Webhook } from "./queries";
import styles from "./index.module.css";

const STATES = ["waiting", "sending", "delivered", "failed", "folded"] as const;
const TONES: Readonly<Record<Delivery["state"], Tone>> = { waiting: "warn", sending: "accent", delivered: "talk", failed: "miss", folded: "pause" };
const DAY_MS = 86_400_000;

interface LogProps {
  hook: Webhook;
  state: string | undefined;
  sent: string | undefined;
  change: (some: { state?: string | null; sent?: string | null }) => void;
}

export function Log({ hook, state, sent, change }: LogProps) {
  const t = useWords("webhooks");
  const shown = STATES.find((some) => some === state) ?? null;
  const pages = useDeliveries(hook.id, shown);
  const test = useTest();
  const all = useResendAll();
  const rows = pages.rows;
  const acts = (
    <>
      <Select size="xs" clearable aria-label={t("log.state")} placeholder={t("log.all")} value={shown} data={STATES.map((value) => ({ value, label: t(`sent.${value}`) }))} onChange={(value) => change({ state: value })} />
      <Button size="xs" variant="default" loading={all.isPending} onClick={() => all.run({ id: hook.id, since: new Date(Date.now() - DAY_MS).toISOString() })}>
        {t("resend.day")}
      </Button>
      <Button size="xs" variant="default" disabled={!hook.active} loading={test.isPending} onClick={() => test.run(hook.id)}>
        {t("test")}
      </Button>
    </>
  );
  return (
    <Panel title={t("log")}>
      <div className={styles["acts"]}>{acts}</div>
      {rows === undefined && (pages.query.error ? <Failed problem={asProblem(pages.query.error)} retry={() => void pages.query.refetch()} /> : <SkeletonRows />)}
      {rows?.length === 0 && <Empty icon="list" title={t("log.none")} />}
      {rows && rows.length > 0 && (
        <ul className={styles["rows"]} aria-label={t("log")}>
          {rows.map((row) => (
            <Sent key={row.id} hook={hook.id} row={row} isOpen={String(row.id) === sent} open={(on) => change({ sent: on ? String(row.id) : null })} />
          ))}
        </ul>
      )}
      {pages.hasMore && (
        <div className={styles["acts"]}>
          <Button size="xs" variant="subtle" loading={pages.query.isFetchingNextPage} onClick={pages.more}>
            {t("more")}
          </Button>
        </div>
      )}
    </Panel>
  );
}

function Sent({ hook, row, isOpen, open }: { hook: number; row: Delivery; isOpen: boolean; open: (on: boolean) => void }) {
  const t = useWords("webhooks");
  const again = useResend();
  const canResend = row.state === "failed" || row.state === "delivered";
  return (
    <li className={styles["row"]} data-open={isOpen || undefined}>
      <button type="button" className={styles["name"]} onClick={() => open(!isOpen)} aria-expanded={isOpen}>
        <b>{row.kind}</b>
        <small>
          <Moment at={row.queued_at} /> · {t("tries", { count: row.attempts })}
          {row.status !== null && ` · ${t("status", { status: row.status })}`}
          {row.fault && ` · ${t(`fault.${row.fault}`)}`}
        </small>
      </button>
      <Tag tone={TONES[row.state]}>{t(`sent.${row.state}`)}</Tag>
      {canResend && (
        <Button size="xs" variant="default" loading={again.isPending} aria-label={t("resend.of", { kind: row.kind })} onClick={() => again.run({ id: hook, delivery: row.id })}>
          {t("resend")}
        </Button>
      )}
      {isOpen && <Attempts hook={hook} delivery={row.id} />}
    </li>
  );
}

function Attempts({ hook, delivery }: { hook: number; delivery: number }) {
  const t = useWords("webhooks");
  const found = useAttempts(hook, delivery);
  return (
    <div className={styles["tries"]}>
      <Shown query={found} isEmpty={({ tries }) => tries.length === 0} empty={<p>{t("tries.none")}</p>}>
        {({ message_id, tries }) => (
          <>
            <small className={styles["quiet"]}>{t("message", { id: message_id })}</small>
            <ol aria-label={t("tries.all")}>
              {tries.map((one) => (
                <Attempt key={one.number} one={one} />
              ))}
            </ol>
          </>
        )}
      </Shown>
    </div>
  );
}

function Attempt({ one }: { one: Schemas["AttemptView"] }) {
  const t = useWords("webhooks");
  const [isWhole, setWhole] = useState(false);
  return (
    <li>
      <Moment at={one.at} /> · {one.status === null ? t("status.none") : t("status", { status: one.status })}
      {one.ms !== null && ` · ${t("ms", { ms: one.ms })}`}
      {one.fault && ` · ${t(`fault.${one.fault}`)}`}
      {one.answer && (
        <Button size="compact-xs" variant="subtle" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {t("answer")}
        </Button>
      )}
      {isWhole && <Code block>{one.answer}</Code>}
    </li>
  );
}
