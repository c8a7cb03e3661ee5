/* What the list of clients shows of each. */

import { Link } from "react-router";
import { useFormats } from "../formats";
import { CallButton, HeatTag, Moment, PhoneNumber, Tag, type Column } from "../parts";
import { useWords } from "../words";
import type { Row } from "./queries";
import styles from "./index.module.css";

export const FIRST = ["name", "number", "city", "heat", "stage", "owner", "touched", "call"] as const;

export function useClientColumns(): readonly Column<Row>[] {
  const t = useWords("clients");
  const f = useFormats();
  return [
    {
      name: "name",
      head: t("field.name"),
      narrow: "main",
      cell: (card) => (
        <span className={styles.who}>
          <b className="cut">{f.client(card.name)}</b>
          <small className="cut dim">{[card.organisation_name, card.job_title].filter(Boolean).join(", ")}</small>
        </span>
      ),
    },
    { name: "number", head: t("numbers"), width: "160px", cell: (card) => <PhoneNumber number={card.numbers[0]} contact={card.id} isText /> },
    { name: "city", head: t("field.city"), width: "130px", narrow: "none", cell: (card) => <span className="cut">{card.city}</span> },
    { name: "business", head: t("field.line_of_business"), width: "160px", narrow: "none", cell: (card) => <span className="cut">{card.line_of_business}</span> },
    { name: "heat", head: t("field.heat"), width: "80px", cell: (card) => <HeatTag heat={card.heat} /> },
    { name: "stage", head: t("field.stage"), width: "110px", narrow: "none", cell: (card) => <Tag>{t(`stage.${card.stage}` as "stage.lead")}</Tag> },
    { name: "owner", head: t("field.owner"), width: "150px", narrow: "none", cell: (card) => <span className="cut">{card.owner_name ?? t("owner.none")}</span> },
    {
      name: "organisation",
      head: t("organisation"),
      width: "180px",
      narrow: "none",
      cell: (card) =>
        card.organisation !== null && (
          <Link to={`/organisations/${card.organisation}`} className="cut">
            {card.organisation_name}
          </Link>
        ),
    },
    { name: "touched", head: t("touched"), width: "120px", sort: "last_touch", narrow: "end", cell: (card) => <Moment at={card.last_touch_at} /> },
    {
      name: "call",
      head: <span className="unseen">{t("call")}</span>,
      width: "52px",
      narrow: "none",
      cell: (card) => (
        <span className={styles.act}>{card.numbers[0] && <CallButton number={card.numbers[0]} contact={card.id} />}</span>
      ),
    },
  ];
}
