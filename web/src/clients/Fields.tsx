/* The fields of a card, saved as typed: town, line of business, heat, priority, what the company added, numbers, people. */

import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { SavedChoice, SavedDay, SavedLines, SavedNumber, SavedSegments, SavedText } from "../drafts";
import type { Schemas } from "../api";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { useLineName } from "../calls/names";
import { Avatar, Icon } from "../parts";
import { useFormats } from "../formats";
import { useWords } from "../words";
import { OrganisationField } from "./OrganisationField";
import { Reach } from "./Reach";
import { readCard, useChangeCard, useCustomFields, useFellows, type Card } from "./queries";
import styles from "./card.module.css";

const HEATS = ["cold", "warm", "hot"] as const;
const STAGES = ["unsorted", "lead", "client", "refused"] as const;
const PRIORITIES = [0, 1, 2, 3, 4, 5];

export function Fields({ card }: { card: Card }) {
  return (
    <div className={styles.fields}>
      <Own card={card} />
      <Custom card={card} />
      <Reach card={card} />
      <Fellows card={card} />
    </div>
  );
}

type TextName = "name" | "city" | "line_of_business" | "job_title" | "note" | "source_name";

function useText(card: Card, field: TextName) {
  const change = useChangeCard(card.id);
  return {
    id: `contact/${card.id}/${field}`,
    field,
    value: card[field] ?? "",
    version: card.version,
    save: (value: string, version: number) => change({ [field]: value }, version),
    refresh: async () => {
      const fresh = await readCard(card.id);
      return { value: fresh[field] ?? "", version: fresh.version };
    },
  };
}

type ChoiceName = "heat" | "stage" | "owner" | "priority" | "birthday";

function useChoice(card: Card, field: ChoiceName) {
  const change = useChangeCard(card.id);
  const shown = (some: Card) => (some[field] === null ? null : String(some[field]));
  const sent = (value: string | null) => (field === "owner" || field === "priority" ? (value === null ? null : Number(value)) : value);
  return {
    id: `contact/${card.id}/${field}`,
    field,
    value: shown(card),
    version: card.version,
    save: (value: string | null, version: number) => change({ [field]: sent(value) }, version),
    refresh: async () => {
      const fresh = await readCard(card.id);
      return { value: shown(fresh), version: fresh.version };
    },
  };
}

function Own({ card }: { card: Card }) {
  const t = useWords("clients");
  const parts = useWords("parts");
  const owners = useColleagueChoices();
  const lineName = useLineName();
  return (
    <>
      <SavedText label={t("field.name")} maxLength={200} {...useText(card, "name")} />
      <SavedText label={t("field.city")} maxLength={200} {...useText(card, "city")} />
      <SavedText label={t("field.line_of_business")} maxLength={200} {...useText(card, "line_of_business")} />
      <SavedSegments label={t("field.heat")} choices={HEATS.map((value) => ({ value, label: parts(`heat.${value}`) }))} {...useChoice(card, "heat")} />
      <div className={styles.two}>
        <SavedChoice label={t("field.priority")} isRequired choices={PRIORITIES.map((n) => ({ value: String(n), label: String(n) }))} {...useChoice(card, "priority")} />
        <SavedChoice label={t("field.stage")} isRequired choices={STAGES.map((value) => ({ value, label: t(`stage.${value}`) }))} {...useChoice(card, "stage")} />
      </div>
      <OrganisationField card={card} />
      <SavedText label={t("field.job_title")} maxLength={200} {...useText(card, "job_title")} />
      <SavedChoice label={t("field.owner")} choices={owners} {...useChoice(card, "owner")} />
      <SavedDay label={t("field.birthday")} {...useChoice(card, "birthday")} />
      <SavedLines label={t("field.note")} {...useText(card, "note")} />
      {card.source_kind && (
        <p className={styles.locked}>
          <small>{t("field.source")}</small>
          <span>
            <Icon name="lock" size={12} /> {card.source_kind === "did" ? t("field.source.did", { number: card.source_name ? lineName(card.source_name) : "" }) : [card.source_name, card.source_kind].filter(Boolean).join(", ")}
          </span>
        </p>
      )}
    </>
  );
}

/** Fields that the company added. */
function Custom({ card }: { card: Card }) {
  const fields = useCustomFields();
  return (fields.data?.items ?? []).map((field) => <CustomField key={field.key} card={card} field={field} />);
}

function CustomField({ card, field }: { card: Card; field: Schemas["FieldView"] }) {
  const t = useWords("clients");
  const change = useChangeCard(card.id);
  const at = (some: Card) => some.fields[field.key] ?? null;
  const shared = {
    label: field.label,
    id: `contact/${card.id}/fields/${field.key}`,
    field: `fields/${field.key}`,
    version: card.version,
  };
  const save = (value: string | number | boolean | null, version: number) => change({ fields: { [field.key]: value } }, version);
  const fresh = async <T,>(read: (card: Card) => T) => {
    const found = await readCard(card.id);
    return { value: read(found), version: found.version };
  };
  const text = (some: Card) => (at(some) === null ? null : String(at(some)));
  switch (field.kind) {
    case "number": {
      const read = (some: Card) => (typeof at(some) === "number" ? Number(at(some)) : null);
      return <SavedNumber {...shared} value={read(card)} save={save} refresh={() => fresh(read)} />;
    }
    case "date":
      return <SavedDay {...shared} value={text(card)} save={save} refresh={() => fresh(text)} />;
    case "choice":
      return <SavedChoice {...shared} choices={field.choices.map((value) => ({ value, label: value }))} value={text(card)} save={save} refresh={() => fresh(text)} />;
    case "yes_no": {
      const choices = [
        { value: "true", label: t("yes") },
        { value: "false", label: t("no") },
      ];
      return <SavedSegments {...shared} choices={choices} value={text(card)} save={(value, version) => save(value === null ? null : value === "true", version)} refresh={() => fresh(text)} />;
    }
    default: {
      const read = (some: Card) => text(some) ?? "";
      return <SavedText {...shared} value={read(card)} save={save} refresh={() => fresh(read)} />;
    }
  }
}

function Fellows({ card }: { card: Card }) {
  const t = useWords("clients");
  const f = useFormats();
  const fellows = useFellows(card.organisation);
  const others = (fellows.data?.items ?? []).filter((fellow) => fellow.id !== card.id);
  const may = useSession().may("contacts.read");
  if (!may || others.length === 0) return null;
  return (
    <section>
      <h3>{t("fellows")}</h3>
      <ul className={styles.numbers}>
        {others.map((fellow) => (
          <li key={fellow.id}>
            <Avatar name={fellow.name} size={20} />
            <Anchor component={Link} to={`/clients/${fellow.id}`} className="cut">
              {f.client(fellow.name)}
            </Anchor>
            <small className="dim">{fellow.job_title}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}
