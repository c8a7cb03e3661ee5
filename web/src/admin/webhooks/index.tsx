/* Receivers of facts: where they are, how they do, what was sent to them, and a new one. */

import { Button } from "@mantine/core";
import { Columns, Empty, Icon, Middle, Moment, PageHeader, Panel, Shown, Tag, useFilters, type Tone } from "../../parts";
import { useWords } from "../../words";
import { familyOf } from "./kinds";
import { Log } from "./Log";
import { NewReceiver } from "./NewReceiver";
import { OneReceiver } from "./OneReceiver";
import { useSwitch, useWebhooks, type Webhook } from "./queries";
import styles from "./index.module.css";

const TONES: Readonly<Record<Webhook["state"], Tone>> = { active: "talk", failing: "miss", off: "pause" };

export default function WebhooksPage() {
  const t = useWords("webhooks");
  const found = useWebhooks();
  const [filters, change] = useFilters(["hook", "state", "sent"] as const);
  const opened = found.data?.items.find((hook) => String(hook.id) === filters.hook);
  const open = (hook: string | null) => change({ hook, state: null, sent: null });
  const button = (
    <Button leftSection={<Icon name="plus" />} onClick={() => open("new")}>
      {t("new")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("title")} acts={button} />
      <Columns>
        <Middle>
          <Panel title={t("all")} sub={t("how")}>
            <Shown query={found} isEmpty={({ items }) => items.length === 0} empty={<Empty icon="webhook" title={t("none")} act={button} />}>
              {({ items }) => (
                <ul className={styles["rows"]} aria-label={t("all")}>
                  {items.map((hook) => (
                    <Receiver key={hook.id} hook={hook} isOpen={hook === opened} open={() => open(String(hook.id))} />
                  ))}
                </ul>
              )}
            </Shown>
          </Panel>
          {opened && <Log key={opened.id} hook={opened} state={filters.state} sent={filters.sent} change={change} />}
        </Middle>
        {filters.hook === "new" && <NewReceiver close={() => open(null)} />}
        {opened && <OneReceiver key={opened.id} hook={opened} close={() => open(null)} />}
      </Columns>
    </>
  );
}

function Receiver({ hook, isOpen, open }: { hook: Webhook; isOpen: boolean; open: () => void }) {
  const t = useWords("webhooks");
  const turn = useSwitch();
  const told = (kind: string) => {
    const family = familyOf(kind);
    return kind === "*" ? t("kinds.all") : family ? t(`family.${family}`) : kind;
  };
  return (
    <li className={styles["row"]} data-open={isOpen || undefined}>
      <Icon name="webhook" />
      <button type="button" className={styles["name"]} onClick={open} aria-expanded={isOpen}>
        <b>{hook.url}</b>
        <small>
          {hook.description && `${hook.description} · `}
          {hook.kinds.map(told).join(", ")}
        </small>
      </button>
      <small className={styles["quiet"]}>
        {hook.delivered_at ? (
          <>
            {t("delivered.last")} <Moment at={hook.delivered_at} />
          </>
        ) : (
          t("delivered.never")
        )}
        {hook.waiting > 0 && ` · ${t("waiting", { count: hook.waiting })}`}
      </small>
      <Tag tone={TONES[hook.state]}>{hook.state === "off" && hook.reason ? t(`off.${hook.reason}`) : t(`state.${hook.state}`)}</Tag>
      <Button
        size="xs"
        variant="default"
        loading={turn.isPending}
        aria-label={t(hook.active ? "turn.off.of" : "turn.on.of", { url: hook.url })}
        onClick={() => turn.run({ hook, active: !hook.active })}
      >
        {t(hook.active ? "turn.off" : "turn.on")}
      </Button>
    </li>
  );
}
