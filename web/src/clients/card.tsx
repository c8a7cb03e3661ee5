/* One client: the fields at the left, all that happened in the middle, at the right what is asked after a call. */

import { Anchor, Button, Menu } from "@mantine/core";
import { Suspense, useState } from "react";
import { useMediaQuery } from "@mantine/hooks";
import { Link, useParams, useSearchParams } from "react-router";
import { asProblem, useOpenCalls } from "../api";
import { NotFound } from "../app/NotFound";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { CallButton, ClockThere, Columns, Failed, HeatTag, Icon, Middle, PageHeader, SidePanel, SkeletonRows, Tag } from "../parts";
import { useKeys } from "../keyboard";
import { late } from "../parts/late";
import { loadWords, useWords } from "../words";
import { AfterCallSide, useCallToWrapUp } from "../wrapup";
import { Fields } from "./Fields";
import { Merge } from "./Merge";
import { NextStep } from "./NextStep";
import { useCard, type Card } from "./queries";
import { Timeline } from "./Timeline";
import styles from "./card.module.css";

const NewTask = late(async () => {
  const [{ NewTask: Loaded }] = await Promise.all([import("../tasks/NewTask"), loadWords("tasks")]);
  return { default: Loaded };
});

export default function CardPage() {
  const id = useParams()["id"] ?? "";
  return /^\d{1,15}$/.test(id) ? <KnownCard id={Number(id)} /> : <NotFound />;
}

function KnownCard({ id }: { id: number }) {
  const card = useCard(id);
  const problem = asProblem(card.error);
  if (problem && !card.data) return <Failed isPage problem={problem} retry={() => void card.refetch()} />;
  if (!card.data) return <SkeletonRows height={56} />;
  return <OneCard card={card.data} />;
}

function OneCard({ card }: { card: Card }) {
  const t = useWords("clients");
  const f = useFormats();
  const [merges, setMerges] = useState(false);
  const [search, setSearch] = useSearchParams();
  const plan = (isOpen: boolean) => {
    const next = new URLSearchParams(search);
    if (isOpen) next.set("task", "new");
    else next.delete("task");
    setSearch(next, { replace: true });
  };
  const call = useCallOf(card);
  const toWrapUp = useCallToWrapUp(card.id);
  return (
    <>
      <PageHeader
        title={f.client(card.name)}
        back="/clients"
        isBack
        sub={
          card.organisation !== null && (
            <Anchor component={Link} to={`/organisations/${card.organisation}`}>
              {card.organisation_name}
            </Anchor>
          )
        }
        acts={<Acts card={card} merge={() => setMerges(true)} plan={() => plan(true)} />}
      >
        <HeatTag heat={card.heat} />
        {call && <Tag tone="talk">{t("onTheLine")}</Tag>}
      </PageHeader>
      <Columns>
        <Body card={card} plan={() => plan(true)} />
        {search.get("task") === "new" ? (
          <Suspense>
            <NewTask contact={card.id} close={() => plan(false)} />
          </Suspense>
        ) : merges ? (
          <Merge contact={card.id} close={() => setMerges(false)} />
        ) : (
          toWrapUp && <AfterCallSide call={toWrapUp} />
        )}
      </Columns>
    </>
  );
}

/** The fields beside the next step and what happened; on a narrow screen they are folded below the next step. */
function Body({ card, plan }: { card: Card; plan: () => void }) {
  const t = useWords("clients");
  const isNarrow = useMediaQuery("(width < 768px)", matchMedia("(width < 768px)").matches);
  const saved = <small className="dim">{t("savedAsTyped")}</small>;
  return (
    <>
      {!isNarrow && (
        <SidePanel label={t("card")} side="left" width={300} acts={saved}>
          <Fields card={card} />
        </SidePanel>
      )}
      <Middle>
        <NextStep contact={card.id} plan={plan} />
        {isNarrow && (
          <details className={styles.folded}>
            <summary>
              <h2>{t("card")}</h2>
              <span className="cut dim">{[card.city, card.line_of_business].filter(Boolean).join(", ")}</span>
            </summary>
            {saved}
            <Fields card={card} />
          </details>
        )}
        <Timeline contact={card.id} />
      </Middle>
    </>
  );
}

/** The call with this client in which one has a part: the panel for its outcome stands ready while it goes on. */
function useCallOf(card: Card): string | null {
  const me = useSession().userId;
  const calls = useOpenCalls();
  const mine = [...calls.values()].find((call) => call.contact_id === card.id && call.managers.some((manager) => manager.user_id === me));
  return mine?.id ?? null;
}

function Acts({ card, merge, plan }: { card: Card; merge: () => void; plan: () => void }) {
  const t = useWords("clients");
  const session = useSession();
  const number = card.numbers[0];
  useKeys({ "row.task": plan });
  return (
    <>
      <ClockThere zone={card.timezone} always />
      {card.owner_name && (
        <span className={styles.roomy}>
          <Tag>{card.owner === session.userId ? t("owner.you") : t("owner.is", { name: card.owner_name })}</Tag>
        </span>
      )}
      {number && <CallButton isMain word={t("call")} number={number} contact={card.id} size="sm" />}
      <Button variant="default" leftSection={<Icon name="task" />} onClick={plan}>
        {t("newTask")}
      </Button>
      {session.may("contacts.merge") && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={8} aria-label={t("more")}>
              <Icon name="more" />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<Icon name="merge" />} onClick={merge}>
              {t("merge")}
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="list" />} component={Link} to={`/calls?contact=${card.id}`}>
              {t("itsCalls")}
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="task" />} component={Link} to={`/tasks?contact=${card.id}`}>
              {t("itsTasks")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  );
}
