/* A new card: a name and a number are enough, with what the company requires. From a call that rings (`new=<number>&call=<id>`)
   it has the number already, and the call is joined to the card that is made. Who else has the number is said, with the way
   to share it. */

import { Anchor, Button, Checkbox, Select, TextInput } from "@mantine/core";
import { Link, useNavigate } from "react-router";
import { api, asProblem, body, keys, once, useAct, useQuery, useQueryClient, type Schemas } from "../api";
import { useDraft } from "../drafts";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { DayField, SidePanel, useTellFault } from "../parts";
import { useWords } from "../words";
import { faultsElsewhere, valueOfField } from "./making";
import { useCustomFields, type Row } from "./queries";
import styles from "./card.module.css";

interface Draft {
  readonly name: string;
  readonly number: string;
  readonly city: string;
  readonly shared: boolean;
  readonly fields: Readonly<Record<string, string>>;
}

export interface NewClientProps {
  /** The number to begin with; empty: none. */
  number: string;
  /** The call to join to the card. */
  call: string | null;
  close: () => void;
}

export function NewClient({ number, call, close }: NewClientProps) {
  const t = useWords("clients");
  const f = useFormats();
  const empty: Draft = { name: "", number: number && f.phone(number), city: "", shared: false, fields: {} };
  const [draft, setDraft, drop] = useDraft(`contacts/new${number && `/${number}`}`, empty);
  const required = (useCustomFields().data?.items ?? []).filter((field) => field.required);
  const holders = useHolders(draft.number, number);
  const areSharing = holders.length > 0 && holders.every(({ phone }) => phone.shared);
  const make = useMake({ draft: areSharing ? { ...draft, shared: true } : draft, required, call, drop });
  const problem = asProblem(make.error);
  const set = (some: Partial<Draft>) => setDraft({ ...draft, ...some });
  const isReady = (draft.name.trim() !== "" || draft.number.trim() !== "") && !make.isPending;
  const send = () => {
    if (isReady) make.run();
  };
  const shown = ["name", "phones/0/number", "city", ...required.map((field) => `fields/${field.key}`)];
  return (
    <SidePanel
      label={t("new")}
      onClose={close}
      closesFromFields
      foot={
        <Button fullWidth loading={make.isPending} disabled={!isReady} onClick={send}>
          {t(call ? "make.join" : "make")}
        </Button>
      }
    >
      <form
        className={styles.pad}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <TextInput data-autofocus label={t("field.name")} value={draft.name} maxLength={200} error={problem?.field("name")} onChange={(event) => set({ name: event.currentTarget.value })} />
        <TextInput type="tel" label={t("number")} value={draft.number} maxLength={64} error={problem?.field("phones/0/number")} onChange={(event) => set({ number: event.currentTarget.value })} />
        {areSharing && <p className="dim">{t("shared.already", { names: holders.map(({ card }) => f.client(card.name)).sort(f.byName).join(", ") })}</p>}
        {!areSharing && holders.length > 0 && <Holders holders={holders} isShared={draft.shared} set={(shared) => set({ shared })} />}
        <TextInput label={t("field.city")} value={draft.city} maxLength={200} error={problem?.field("city")} onChange={(event) => set({ city: event.currentTarget.value })} />
        {required.map((field) => (
          <Required key={field.key} field={field} value={draft.fields[field.key] ?? ""} error={problem?.field(`fields/${field.key}`) ?? null} set={(value) => set({ fields: { ...draft.fields, [field.key]: value } })} />
        ))}
        <button type="submit" hidden />
        {problem && faultsElsewhere(problem, shown).map((fault) => (
          <p key={fault} role="alert">
            {fault}
          </p>
        ))}
      </form>
    </SidePanel>
  );
}

interface Holder {
  readonly card: Row;
  readonly phone: Row["phones"][number];
}

/** The cards that have the number already. */
function useHolders(typed: string, given: string): Holder[] {
  const wanted = typed.trim();
  const isWhole = wanted.replace(/\D/g, "").length >= 7;
  const found = useQuery({
    queryKey: keys.view("contacts", "with number", wanted),
    enabled: isWhole,
    queryFn: () => body(api.GET("/api/v1/contacts", { params: { query: { q: wanted, limit: 20 } } })),
  });
  const digits = (given || wanted).replace(/\D/g, "");
  return (found.data?.items ?? []).flatMap((card) => {
    const phone = card.phones.find((some) => some.number.endsWith(digits.slice(-9)));
    return phone ? [{ card, phone }] : [];
  });
}

function Holders({ holders, isShared, set }: { holders: readonly Holder[]; isShared: boolean; set: (shared: boolean) => void }) {
  const t = useWords("clients");
  const f = useFormats();
  return (
    <div className={styles.choice}>
      <p>{t("shared.taken")}</p>
      <ul>
        {holders.map(({ card }) => (
          <li key={card.id}>
            <Anchor component={Link} to={`/clients/${card.id}`}>
              {f.client(card.name)}
            </Anchor>
            <small className="dim">{[card.organisation_name, card.city].filter(Boolean).join(", ")}</small>
          </li>
        ))}
      </ul>
      <Checkbox label={t("shared.both")} checked={isShared} onChange={(event) => set(event.currentTarget.checked)} />
    </div>
  );
}

function Required({ field, value, error, set }: { field: Schemas["FieldView"]; value: string; error: string | null; set: (value: string) => void }) {
  const t = useWords("clients");
  if (field.kind === "choice" || field.kind === "yes_no") {
    const yesNo = [
      { value: "true", label: t("yes") },
      { value: "false", label: t("no") },
    ];
    const data = field.kind === "choice" ? [...field.choices] : yesNo;
    return <Select label={field.label} withAsterisk value={value || null} data={data} error={error} onChange={(chosen) => set(chosen ?? "")} />;
  }
  if (field.kind === "date") {
    const label = (
      <>
        {field.label} <span aria-hidden="true">*</span>
      </>
    );
    return <DayField label={label} value={value || null} error={error} onChange={(day) => set(day ?? "")} />;
  }
  return <TextInput label={field.label} withAsterisk inputMode={field.kind === "number" ? "decimal" : "text"} value={value} maxLength={2000} error={error} onChange={(event) => set(event.currentTarget.value)} />;
}

interface Making {
  draft: Draft;
  required: readonly Schemas["FieldView"][];
  call: string | null;
  drop: () => void;
}

/** Make the card; a number that others have is shared with them first; then the call is joined to the card. */
function useMake({ draft, required, call, drop }: Making) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const tell = useTellFault();
  const me = useSession().userId;
  const number = draft.number.trim();
  const act = useAct(
    async (_: null, key) => {
      if (draft.shared && number) await shareWithOthers(number);
      return body(
        api.POST("/api/v1/contacts", {
          params: { header: once(key) },
          body: {
            name: draft.name.trim(),
            phones: number ? [{ number, shared: draft.shared }] : [],
            city: draft.city.trim(),
            owner: me,
            fields: Object.fromEntries(required.map((field) => [field.key, valueOfField(field.kind, draft.fields[field.key] ?? "")])),
          },
        }),
      );
    },
    {
      onDone: (card) => {
        drop();
        void cache.invalidateQueries({ queryKey: keys.all("contacts") });
        if (call === null) return void navigate(`/clients/${card.id}`);
        const join = api.PATCH("/api/v1/calls/{call_id}", { params: { path: { call_id: call } }, body: { contact: card.id } });
        void body(join)
          .then(() => cache.invalidateQueries({ queryKey: keys.one("calls", call) }), tell)
          .then(() => navigate(`/clients/${card.id}`));
      },
    },
  );
  return { ...act, run: () => act.run(null) };
}

/** Say of every card that has a number that others have it too. */
async function shareWithOthers(number: string): Promise<void> {
  const found = await body(api.GET("/api/v1/contacts", { params: { query: { q: number, limit: 20 } } }));
  const digits = number.replace(/\D/g, "").slice(-9);
  for (const card of found.items) {
    if (!card.phones.some((phone) => phone.number.endsWith(digits) && !phone.shared)) continue;
    const phones = card.phones.map((phone) => (phone.number.endsWith(digits) ? { ...phone, shared: true } : phone));
    await body(api.PATCH("/api/v1/contacts/{contact_id}", { params: { path: { contact_id: card.id } }, body: { version: card.version, phones } }));
  }
}
