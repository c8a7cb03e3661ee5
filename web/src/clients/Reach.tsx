/* The numbers and addresses of a client; a further one is typed into one field, one that is wrong is taken away with Undo. */

import { ActionIcon, Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem, useOpenCalls } from "../api";
import { useFormats } from "../formats";
import { Icon, PhoneNumber, Tag, useToast } from "../parts";
import { useWords } from "../words";
import { useDraft } from "../drafts";
import { readCard, useChangeCard, type Card, type Change } from "./queries";
import styles from "./card.module.css";

type Reached = Required<Pick<Change, "phones" | "addresses">>;

const reachOf = ({ phones, addresses }: Pick<Card, "phones" | "addresses">): Reached => ({
  phones: phones.map(({ number, kind, label, shared }) => ({ number, kind, label, shared })),
  addresses: addresses.map(({ kind, value, label }) => ({ kind: kind as "email", value, label })),
});

export function Reach({ card }: { card: Card }) {
  const t = useWords("clients");
  const f = useFormats();
  const toast = useToast();
  const calls = useOpenCalls();
  const onLine = new Set([...calls.values()].map((call) => call.client.number));
  const change = useChangeCard(card.id);
  const [fault, setFault] = useState<string | null>(null);
  /** Changes what the card has at that moment: a colleague may have added another one. */
  const send = async (next: (now: Reached) => Partial<Reached>): Promise<boolean> => {
    setFault(null);
    try {
      const fresh = await readCard(card.id);
      await change(next(reachOf(fresh)), fresh.version);
      return true;
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (!problem) throw thrown;
      setFault(problem.errors[0]?.detail ?? (problem.detail || t("reach.away")));
      return false;
    }
  };
  const remove = async (word: string, without: (now: Reached) => Partial<Reached>) => {
    const before = reachOf(card);
    if (await send(without)) toast({ text: t("reach.removed", { what: word }), icon: "undo", undo: () => send(() => before) });
  };
  return (
    <section>
      <h3>{t("numbers")}</h3>
      <ul className={styles.numbers}>
        {card.phones.map(({ number, kind, label }) => (
          <li key={number}>
            <Icon name="phone" />
            <PhoneNumber number={number} contact={card.id} />
            <span className={styles.end}>
              {onLine.has(number) ? <Tag tone="talk">{t("thisCall")}</Tag> : <small className="dim">{label || (kind === "phone" ? "" : kind)}</small>}
              <Remove word={f.phone(number)} onClick={() => void remove(f.phone(number), (now) => ({ phones: now.phones?.filter((one) => one.number !== number) ?? [] }))} />
            </span>
          </li>
        ))}
        {card.addresses.map(({ id, kind, value }) => (
          <li key={id}>
            <Icon name="letter" />
            <span className="cut">{value}</span>
            <span className={styles.end}>
              <Remove word={value} onClick={() => void remove(value, (now) => ({ addresses: now.addresses?.filter((one) => one.kind !== kind || one.value !== value) ?? [] }))} />
            </span>
          </li>
        ))}
      </ul>
      <Add card={card} fault={fault} send={send} />
    </section>
  );
}

function Remove({ word, onClick }: { word: string; onClick: () => void }) {
  const t = useWords("clients");
  return (
    <ActionIcon variant="subtle" color="gray" size="xs" aria-label={t("reach.remove", { what: word })} onClick={onClick}>
      <Icon name="close" size={12} />
    </ActionIcon>
  );
}

interface AddProps {
  card: Card;
  fault: string | null;
  send: (next: (now: Reached) => Partial<Reached>) => Promise<boolean>;
}

function Add({ card, fault, send }: AddProps) {
  const t = useWords("clients");
  const [typed, setTyped, drop] = useDraft(`contact/${card.id}/new-reach`, "");
  const [isSending, setSending] = useState(false);
  const add = async () => {
    const text = typed.trim();
    if (!text || isSending) return;
    setSending(true);
    const isAdded = await send((now) =>
      text.includes("@") ? { addresses: [...(now.addresses ?? []), { kind: "email", value: text, label: "" }] } : { phones: [...(now.phones ?? []), { number: text, kind: "phone", label: "", shared: false }] },
    );
    setSending(false);
    if (isAdded) drop();
  };
  return (
    <form
      className={styles.add}
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <TextInput
        aria-label={t("reach.new")}
        placeholder={t("reach.new")}
        value={typed}
        maxLength={200}
        autoComplete="off"
        error={fault}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      {typed.trim() !== "" && (
        <Button type="submit" loading={isSending}>
          {t("reach.add")}
        </Button>
      )}
    </form>
  );
}
