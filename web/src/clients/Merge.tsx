/* Another card of the same person is put into this one; both are as before after Undo. */

import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { api, body, keys, useQuery } from "../api";
import { useFormats } from "../formats";
import { Empty, PhoneNumber, Shown, SidePanel } from "../parts";
import { useWords } from "../words";
import { useMerge } from "./queries";
import styles from "./card.module.css";

export function Merge({ contact, close }: { contact: number; close: () => void }) {
  const t = useWords("clients");
  const f = useFormats();
  const [q, setQ] = useState("");
  const merge = useMerge(contact, close);
  const wanted = q.trim();
  const found = useQuery({
    queryKey: keys.view("contacts", "to merge", wanted),
    enabled: wanted.length > 1,
    queryFn: () => body(api.GET("/api/v1/contacts", { params: { query: { q: wanted, limit: 20 } } })),
  });
  return (
    <SidePanel label={t("merge")} onClose={close} closesFromFields>
      <div className={styles.pad}>
        <TextInput data-autofocus type="search" label={t("merge.find")} value={q} maxLength={100} onChange={(event) => setQ(event.currentTarget.value)} />
        <p className="dim">{t("merge.how")}</p>
      </div>
      {wanted.length > 1 && (
        <Shown query={found} isEmpty={(page) => page.items.every((card) => card.id === contact)} empty={<Empty icon="clients" title={t("none.found")} />}>
          {(page) => (
            <ul className={styles.found}>
              {page.items
                .filter((card) => card.id !== contact)
                .map((card) => (
                  <li key={card.id}>
                    <span>
                      <b>{f.client(card.name)}</b>
                      <small>
                        <PhoneNumber number={card.numbers[0]} isText /> {card.city}
                      </small>
                    </span>
                    <Button size="xs" variant="default" disabled={merge.isPending} onClick={() => merge.run({ kept: contact, gone: card.id })}>
                      {t("merge.this")}
                    </Button>
                  </li>
                ))}
            </ul>
          )}
        </Shown>
      )}
    </SidePanel>
  );
}
