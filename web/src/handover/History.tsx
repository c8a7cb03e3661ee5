/* Every handover there was, also those that absences and dismissals made, with what came back. */

import { Button } from "@mantine/core";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { asProblem } from "../api";
import { useFormats } from "../formats";
import { Failed, Icon, Moment, Panel, Shown, SidePanel, SkeletonRows, Tag } from "../parts";
import { useWords } from "../words";
import { useHandedCards, useHandover, useHandovers, useNames, useReadAgain, useTurn, useUndo, type Handover } from "./queries";
import styles from "./index.module.css";

export function History({ open, show }: { open: number | null; show: (id: number | null) => void }) {
  const t = useWords("handover");
  const pages = useHandovers();
  return (
    <Panel title={t("history")}>
      {!pages.rows && (pages.query.error ? <Failed problem={asProblem(pages.query.error)} retry={() => void pages.query.refetch()} isPage={false} /> : <SkeletonRows />)}
      {pages.rows?.length === 0 && <p className={styles["none"]}>{t("history.none")}</p>}
      <ul className={styles["history"]} aria-label={t("history")}>
        {pages.rows?.map((one) => (
          <li key={one.id} data-open={one.id === open || undefined}>
            <button type="button" className={styles["one"]} aria-expanded={one.id === open} onClick={() => show(one.id === open ? null : one.id)}>
              <Line one={one} />
            </button>
            <Back one={one} />
          </li>
        ))}
      </ul>
      {pages.hasMore && (
        <Button variant="subtle" fullWidth onClick={pages.more} loading={pages.query.isFetchingNextPage}>
          {t("more")}
        </Button>
      )}
    </Panel>
  );
}

function Line({ one }: { one: Handover }) {
  const t = useWords("handover");
  const f = useFormats();
  const names = useNames();
  const to = one.to === null ? (one.among.length > 0 ? one.among.map(names).join(", ") : t("way.rules")) : names(one.to);
  const known = one.reason === "by_hand" || one.kind !== "hand" ? t(`kind.${one.kind}` as "kind.hand") : one.reason;
  return (
    <>
      <b>
        {one.from === null ? t("several") : names(one.from)} → {to}
      </b>
      <small>
        {[t("n.cards", { count: one.cards, n: f.count(one.cards) }), t("n.tasks", { count: one.tasks }), t("n.planned", { count: one.scheduled }), known].join(" · ")}
      </small>
      <small>
        <Moment at={one.at} /> · {byOf(one.by, names, t("by.itself"))}
        {one.until && one.undone_at === null && ` · ${t("back", { day: f.weekDay(one.until) })}`}
      </small>
    </>
  );
}

/** Who did it: `user:17`, else the gateway by itself. */
function byOf(by: string, names: (id: number) => string, itself: string): string {
  const user = /^user:(\d+)$/.exec(by)?.[1];
  return user === undefined ? itself : names(Number(user));
}

function Back({ one }: { one: Handover }) {
  const t = useWords("handover");
  const f = useFormats();
  const undo = useUndo();
  if (one.state === "going" && one.undone_by === null) return <Goes id={one.id} meant={one.meant} />;
  if (one.undone_at !== null) {
    return (
      <Tag icon="undo">
        {t("returned", { count: one.returned, n: f.count(one.returned) })}
      </Tag>
    );
  }
  if (one.kind === "dismissal" || one.cards + one.tasks + one.scheduled === 0) return null;
  return (
    <Button size="xs" leftSection={<Icon name="undo" size={14} />} loading={undo.isPending} aria-label={t("undoOf", { id: one.id })} onClick={() => undo.run(one.id)}>
      {t("undo")}
    </Button>
  );
}

/** How far one is that goes on. */
function Goes({ id, meant }: { id: number; meant: number | null }) {
  const t = useWords("handover");
  const f = useFormats();
  const one = useHandover(id).data;
  const turn = useTurn(id);
  const again = useReadAgain();
  const isGoing = !one || one.state === "going";
  const untold = useRef(true);
  useEffect(() => {
    if (isGoing || !untold.current) return;
    untold.current = false;
    void again();
  });
  return (
    <span className={styles["goes"]}>
      {one && (
        <small>
          {f.count(one.cards)} {t("of", { count: Math.max(meant ?? 0, one.cards), n: f.count(Math.max(meant ?? 0, one.cards)) })}
        </small>
      )}
      <Button size="xs" loading={turn.isPending} disabled={!isGoing} aria-label={t("stopOf", { id })} onClick={() => turn.run("stop")}>
        {t("stop")}
      </Button>
    </span>
  );
}

/** The cards of one handover. */
export function OneHandover({ id, close }: { id: number; close: () => void }) {
  const t = useWords("handover");
  const f = useFormats();
  const names = useNames();
  const whole = useHandover(id);
  const pages = useHandedCards(id);
  return (
    <SidePanel label={t("one", { id })} onClose={close}>
      <Shown query={whole}>
        {(one) => (
          <div className={styles["part"]}>
            <Line one={{ ...one, id }} />
            <ul className={styles["shares"]}>
              {one.shares.map((share) => (
                <li key={share.user}>
                  <span className="cut">{names(share.user)}</span>
                  <b>+{f.count(share.cards)}</b>
                  <small>{[t("n.tasks", { count: share.tasks }), t("n.planned", { count: share.scheduled })].join(", ")}</small>
                </li>
              ))}
            </ul>
          </div>
        )}
      </Shown>
      {!pages.rows && <SkeletonRows />}
      <ul className={styles["cards"]} aria-label={t("head.cards")}>
        {pages.rows?.map((card) => (
          <li key={card.contact}>
            <Link className="cut" to={`/clients/${card.contact}`}>
              {f.client(card.name)}
            </Link>
            <small className="cut">{names(card.to)}</small>
            {card.returned && <Tag icon="undo">{t("cameBack")}</Tag>}
          </li>
        ))}
      </ul>
      {pages.hasMore && (
        <Button variant="subtle" fullWidth onClick={pages.more} loading={pages.query.isFetchingNextPage}>
          {t("more")}
        </Button>
      )}
    </SidePanel>
  );
}
