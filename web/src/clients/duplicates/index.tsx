/* Cards that may be one person, two beside each other: what is the same and what is not; put together or told apart. */

import { Button } from "@mantine/core";
import { Link } from "react-router";
import { asProblem, useNews } from "../../api";
import { useFormats } from "../../formats";
import { Columns, Empty, Failed, HeatTag, Icon, KeyOf, Middle, Moment, PageHeader, Panel, SkeletonRows, Tag } from "../../parts";
import { useKeys } from "../../keyboard";
import { useWords } from "../../words";
import { useDismiss, useMergePair, usePairs, type Card, type Pair } from "./queries";
import styles from "./index.module.css";

export default function DuplicatesPage() {
  const t = useWords("duplicates");
  const pages = usePairs();
  const [heard, forget] = useNews(["duplicates"], (fact) => fact.kind === "duplicate.found");
  const news = heard + pages.missed;
  const show = () => {
    forget();
    void pages.query.refetch();
  };
  useKeys({ "list.news": () => (news > 0 ? show() : false) });
  const problem = asProblem(pages.query.error);
  return (
    <>
      <PageHeader title={t("title")} back="/clients" sub={pages.rows && !pages.hasMore && t("count", { count: pages.rows.length })} />
      <Columns>
      <Middle>
        {news > 0 && (
          <Button variant="light" onClick={show} rightSection={<KeyOf act="list.news" />}>
            {t("news", { count: news })}
          </Button>
        )}
        {!pages.rows && (problem ? <Failed isPage problem={problem} retry={() => void pages.query.refetch()} /> : <SkeletonRows height={56} />)}
        {pages.rows?.length === 0 && (
          <Empty icon="done" title={t("none")}>
            {t("none.how")}
          </Empty>
        )}
        {pages.rows?.map((pair) => <OnePair key={pair.id} pair={pair} />)}
        {pages.hasMore && (
          <Button variant="default" loading={pages.query.isFetchingNextPage} onClick={pages.more}>
            {t("more")}
          </Button>
        )}
      </Middle>
      </Columns>
    </>
  );
}

const REASONS = ["number", "email", "messenger", "name", "birthday", "organisation", "city"] as const;

function OnePair({ pair }: { pair: Pair }) {
  const t = useWords("duplicates");
  const f = useFormats();
  const merge = useMergePair();
  const dismiss = useDismiss();
  const isBusy = merge.isPending || dismiss.isPending;
  const { one, other } = pair;
  const reasons = REASONS.filter((reason) => pair.reasons.includes(reason)).map((reason) => t(`reason.${reason}`));
  const side = (kept: Card, gone: Card) => (
    <Button size="xs" variant="default" leftSection={<Icon name="merge" size={14} />} disabled={isBusy} onClick={() => merge.run({ kept: kept.id, gone: gone.id })} aria-label={t("keep.of", { name: f.client(kept.name, kept.numbers[0]) })}>
      {t("keep")}
    </Button>
  );
  return (
    <Panel
      title={<>{t("same")} <Tag>{reasons.join(", ")}</Tag></>}
      sub={t("sure", { share: f.share(pair.score) })}
      acts={
        <Button size="xs" variant="subtle" disabled={isBusy} onClick={() => dismiss.run(pair)}>
          {t("dismiss")}
        </Button>
      }
    >
      <table className={styles.pair} aria-label={t("pair", { one: one.name, other: other.name })}>
        <thead>
          <tr>
            <td />
            <th scope="col">
              <Head card={one} /> {side(one, other)}
            </th>
            <th scope="col">
              <Head card={other} /> {side(other, one)}
            </th>
          </tr>
        </thead>
        <tbody>
          <Line name={t("numbers")} one={one.numbers.map(f.phone).join(", ")} other={other.numbers.map(f.phone).join(", ")} />
          <Line name={t("addresses")} one={one.addresses.map(({ value }) => value).join(", ")} other={other.addresses.map(({ value }) => value).join(", ")} />
          <Line name={t("organisation")} one={[one.organisation_name, one.job_title].filter(Boolean).join(", ")} other={[other.organisation_name, other.job_title].filter(Boolean).join(", ")} />
          <Line name={t("city")} one={one.city} other={other.city} />
          <Line name={t("owner")} one={one.owner_name ?? ""} other={other.owner_name ?? ""} />
          <tr>
            <th scope="row">{t("touched")}</th>
            <td>
              <Moment at={one.last_touch_at} /> <HeatTag heat={one.heat} />
            </td>
            <td>
              <Moment at={other.last_touch_at} /> <HeatTag heat={other.heat} />
            </td>
          </tr>
        </tbody>
      </table>
    </Panel>
  );
}

function Head({ card }: { card: Card }) {
  const f = useFormats();
  return <Link to={`/clients/${card.id}`}>{card.name || f.phone(card.numbers[0])}</Link>;
}

/** One value of both cards; what is the same is said with weight, what neither has is left out. */
function Line({ name, one, other }: { name: string; one: string; other: string }) {
  if (one === "" && other === "") return null;
  const isSame = one !== "" && one.toLowerCase() === other.toLowerCase();
  return (
    <tr data-same={isSame || undefined}>
      <th scope="row">{name}</th>
      <td>{one || "–"}</td>
      <td>{other || "–"}</td>
    </tr>
  );
}
