/* One client: the fields at the left, all that happened in the middle, at the right what is asked after a call. */

import { Anchor, Button, Menu } from "@mantine/core";
import { useState } from "react";
import { useMediaQuery } from "@mantine/hooks";
import { Link, useNavigate, useParams } from "react-router";
import { asProblem, useOpenCalls } from "../api";
import { NotFound } from "../app/NotFound";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { CallButton, ClockThere, Columns, Failed, HeatTag, Icon, Middle, PageHeader, SidePanel, SkeletonRows, Tag } from "../parts";
import { useKeys } from "../keyboard";
import { useWords } from "../words";
import { AfterCallSide, useCallToWrapUp } from "../wrapup";
import { Fields } from "./Fields";
import { Merge } from "./Merge";
import { NextStep } from "./NextStep";
import { useCard, type Card } from "./queries";
import { Timeline } from "./Timeline";
import styles from "./card.module.css";

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
        acts={<Acts card={card} merge={() => setMerges(true)} />}
      >
        <HeatTag heat={card.heat} />
        {call && <Tag tone="talk">{t("onTheLine")}</Tag>}
      </PageHeader>
      <Columns>
        <Body card={card} />
        {merges ? (
          <Merge contact={card.id} close={() => setMerges(false)} />
        ) : (
          toWrapUp && <AfterCallSide call={toWrapUp} />
        )}
      </Columns>
    </>
  );
}

/** The fields beside the next step and what happened; on a narrow screen they are folded below the next step. */
function Body({ card }: { card: Card }) {
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
        <NextStep contact={card.id} />
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

function Acts({ card, merge }: { card: Card; merge: () => void }) {
  const t = useWords("clients");
  const session = useSession();
  const navigate = useNavigate();
  const number = card.numbers[0];
  useKeys({ "row.task": () => void navigate(`/tasks?task=new&contact=${card.id}`) });
  return (
    <>
      <ClockThere zone={card.timezone} always />
      {card.owner_name && <Tag>{card.owner === session.userId ? t("owner.you") : t("owner.is", { name: card.owner_name })}</Tag>}
      {number && <CallButton isMain word={t("call")} number={number} contact={card.id} size="sm" />}
      <Button variant="default" leftSection={<Icon name="task" />} component={Link} to={`/tasks?task=new&contact=${card.id}`}>
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
