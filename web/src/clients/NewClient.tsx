/* A new card: a name and a number are enough. Whether the number has a card already is said by the gateway. */

import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "react-router";
import { api, asProblem, body, keys, once, useAct, useQueryClient } from "../api";
import { useDraft } from "../drafts";
import { useSession } from "../app/session";
import { SidePanel } from "../parts";
import { useWords } from "../words";
import styles from "./card.module.css";

const EMPTY = { name: "", number: "", city: "" };

export function NewClient({ close }: { close: () => void }) {
  const t = useWords("clients");
  const navigate = useNavigate();
  const cache = useQueryClient();
  const me = useSession().userId;
  const [draft, setDraft, drop] = useDraft("contacts/new", EMPTY);
  const make = useAct(
    (card: typeof EMPTY, key) =>
      body(
        api.POST("/api/v1/contacts", {
          params: { header: once(key) },
          body: { name: card.name.trim(), numbers: card.number.trim() ? [card.number.trim()] : [], city: card.city.trim(), owner: me },
        }),
      ),
    {
      onDone: (card) => {
        drop();
        void cache.invalidateQueries({ queryKey: keys.all("contacts") });
        void navigate(`/clients/${card.id}`);
      },
    },
  );
  const problem = asProblem(make.error);
  const set = (some: Partial<typeof EMPTY>) => setDraft({ ...draft, ...some });
  const isReady = draft.name.trim() !== "" || draft.number.trim() !== "";
  return (
    <SidePanel
      label={t("new")}
      onClose={close}
      foot={
        <Button fullWidth loading={make.isPending} disabled={!isReady} onClick={() => make.run(draft)}>
          {t("make")}
        </Button>
      }
    >
      <form
        className={styles.pad}
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) make.run(draft);
        }}
      >
        <TextInput data-autofocus label={t("field.name")} value={draft.name} maxLength={200} error={problem?.field("name")} onChange={(event) => set({ name: event.currentTarget.value })} />
        <TextInput type="tel" label={t("numbers")} value={draft.number} maxLength={64} error={problem?.field("numbers/0")} onChange={(event) => set({ number: event.currentTarget.value })} />
        <TextInput label={t("field.city")} value={draft.city} maxLength={200} error={problem?.field("city")} onChange={(event) => set({ city: event.currentTarget.value })} />
        <button type="submit" hidden />
        {problem && !problem.field("name") && !problem.field("numbers/0") && <p role="alert">{problem.detail}</p>}
      </form>
    </SidePanel>
  );
}
