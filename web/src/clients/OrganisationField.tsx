/* For which organisation a client calls: found by its name, or made by it. Saved as chosen, as every field of a card. */

import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useId, useState } from "react";
import { api, body, keys, once, useAct, useQuery } from "../api";
import { FieldFrame, useSaved, type Choice } from "../drafts";
import { useTellFault } from "../parts";
import { useWords } from "../words";
import { readCard, useChangeCard, type Card } from "./queries";

/** The choice that makes a new one of what was typed. */
const NEW = "new";
const PAUSE_MS = 200;

export function OrganisationField({ card }: { card: Card }) {
  const t = useWords("clients");
  const change = useChangeCard(card.id);
  const id = useId();
  const [typed, setTyped] = useState("");
  const [made, setMade] = useState<readonly Choice[]>([]);
  const shown = (some: Pick<Card, "organisation">) => (some.organisation === null ? null : String(some.organisation));
  const saved = useSaved<string | null>({
    id: `contact/${card.id}/organisation`,
    field: "organisation",
    value: shown(card),
    version: card.version,
    atOnce: true,
    save: (value, version) => change({ organisation: value === null ? null : Number(value) }, version),
    refresh: async () => {
      const fresh = await readCard(card.id);
      return { value: shown(fresh), version: fresh.version };
    },
  });
  const wanted = useDebouncedValue(typed.trim(), PAUSE_MS)[0];
  const found = useFound(wanted);
  const known = new Map<string, string>();
  if (card.organisation !== null) known.set(String(card.organisation), card.organisation_name ?? "");
  for (const { value, label } of [...made, ...found]) known.set(value, label);
  const isNew = wanted.length > 1 && wanted === typed.trim() && ![...known.values()].some((name) => name.toLowerCase() === wanted.toLowerCase());
  const make = useAct(
    (name: string, key) => body(api.POST("/api/v1/organisations", { params: { header: once(key) }, body: { name } })),
    {
      onDone: (organisation) => {
        setMade([...made, { value: String(organisation.id), label: organisation.name }]);
        saved.set(String(organisation.id));
      },
      onFault: useTellFault(),
    },
  );
  const data = [...known].map(([value, label]) => ({ value, label }));
  return (
    <FieldFrame label={t("organisation")} saved={saved} htmlFor={id} show={(value) => known.get(String(value)) ?? String(value)}>
      <Select
        id={id}
        searchable
        clearable
        clearButtonProps={{ "aria-label": t("organisation.none") }}
        value={saved.value}
        error={saved.state.kind === "refused"}
        data={isNew ? [...data, { value: NEW, label: t("organisation.make", { name: wanted }) }] : data}
        filter={({ options, search }) => options.filter((one) => "value" in one && (one.value === NEW || one.label.toLowerCase().includes(search.trim().toLowerCase())))}
        onSearchChange={setTyped}
        onChange={(value) => (value === NEW ? make.run(wanted) : saved.set(value))}
        maxDropdownHeight={240}
        placeholder={t("organisation.find")}
      />
    </FieldFrame>
  );
}

function useFound(wanted: string): readonly Choice[] {
  const found = useQuery({
    queryKey: keys.view("organisations", "named", wanted),
    enabled: wanted.length > 1,
    queryFn: () => body(api.GET("/api/v1/organisations", { params: { query: { q: wanted.slice(0, 100), limit: 10 } } })),
  });
  return (found.data?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }));
}
