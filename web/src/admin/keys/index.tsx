/* Keys of programs: who asks with which rights, and a new one, shown once. */

import { Button, Checkbox, Code, CopyButton, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { api, asProblem, body, done, keys, once, useAct, useQuery, useQueryClient, type Schemas } from "../../api";
import { useSession, type Right } from "../../app/session";
import { Columns, Empty, Icon, Middle, Moment, PageHeader, Panel, Shown, SidePanel, Tag, useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";
import styles from "./index.module.css";

type Key = Schemas["KeyView"];
const ROLES = ["manager", "supervisor", "admin"] as const;

export default function KeysPage() {
  const t = useWords("keys");
  const [search, setSearch] = useSearchParams();
  const found = useQuery({ queryKey: keys.view("keys"), queryFn: () => body(api.GET("/api/v1/keys")) });
  const isNew = search.has("new");
  const make = (open: boolean) => setSearch(open ? { new: "1" } : {}, { replace: true });
  const button = (
    <Button leftSection={<Icon name="plus" />} onClick={() => make(true)}>
      {t("new")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("title")} acts={button} />
      <Columns>
        <Middle>
          <Panel title={t("all")} sub={t("how")}>
            <Shown query={found} isEmpty={({ items }) => items.length === 0} empty={<Empty icon="key" title={t("none")} act={button} />}>
              {({ items }) => (
                <ul className={styles.keys}>
                  {items.map((key) => (
                    <OneKey key={key.id} issued={key} />
                  ))}
                </ul>
              )}
            </Shown>
          </Panel>
        </Middle>
        {isNew && <NewKey close={() => make(false)} />}
      </Columns>
    </>
  );
}

function OneKey({ issued }: { issued: Key }) {
  const t = useWords("keys");
  const [asks, setAsks] = useState(false);
  return (
    <li className={styles.key} data-gone={issued.revoked_at !== null || undefined}>
      <Icon name="key" />
      <span className={styles.who}>
        <b>{issued.name}</b>
        <small>
          {t(`role.${issued.role}`)} · {issued.rights ? t("rights.some", { count: issued.rights.length }) : t("rights.all")}
          {issued.pbx && ` · ${issued.pbx}`}
        </small>
      </span>
      <small className={styles.used}>
        {issued.last_used_at ? (
          <>
            {t("used")} <Moment at={issued.last_used_at} />
          </>
        ) : (
          t("unused")
        )}
      </small>
      {issued.revoked_at ? (
        <Tag tone="miss">{t("revoked")}</Tag>
      ) : (
        <Button size="xs" variant="default" onClick={() => setAsks(!asks)} aria-expanded={asks}>
          {t("revoke")}
        </Button>
      )}
      {asks && <Revoke issued={issued} close={() => setAsks(false)} />}
    </li>
  );
}

/** What cannot be undone is confirmed by typing the name. */
function Revoke({ issued, close }: { issued: Key; close: () => void }) {
  const t = useWords("keys");
  const toast = useToast();
  const cache = useQueryClient();
  const [name, setName] = useState("");
  const act = useAct((id: string) => done(api.DELETE("/api/v1/keys/{key_id}", { params: { path: { key_id: id } } })), {
    onDone: () => {
      toast({ text: t("revoke.done", { name: issued.name }), icon: "check" });
      void cache.invalidateQueries({ queryKey: keys.view("keys") });
      close();
    },
    onFault: useTellFault(),
  });
  return (
    <form
      className={styles.revoke}
      onSubmit={(event) => {
        event.preventDefault();
        if (name === issued.name) act.run(issued.id);
      }}
    >
      <TextInput label={t("revoke.how", { name: issued.name })} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Button type="submit" color="red" disabled={name !== issued.name} loading={act.isPending}>
        {t("revoke")}
      </Button>
    </form>
  );
}

function NewKey({ close }: { close: () => void }) {
  const t = useWords("keys");
  const cache = useQueryClient();
  const { who } = useSession();
  const [name, setName] = useState("");
  const [role, setRole] = useState<(typeof ROLES)[number]>("manager");
  const [pbx, setPbx] = useState("");
  const [rights, setRights] = useState<readonly Right[]>([]);
  const act = useAct(
    (key: Schemas["NewKey"], once_) => body(api.POST("/api/v1/keys", { params: { header: once(once_) }, body: key })),
    { onDone: () => void cache.invalidateQueries({ queryKey: keys.view("keys") }) },
  );
  const problem = asProblem(act.error);
  const secret = act.data?.key;
  if (secret) return <Secret secret={secret} name={name} close={close} />;
  const toggle = (right: Right) => setRights(rights.includes(right) ? rights.filter((some) => some !== right) : [...rights, right]);
  const send = () => act.run({ name: name.trim(), role, rights: rights.length > 0 ? [...rights] : null, pbx: pbx.trim() || null });
  return (
    <SidePanel
      label={t("new")}
      onClose={close}
      foot={
        <Button fullWidth disabled={name.trim() === ""} loading={act.isPending} onClick={send}>
          {t("issue")}
        </Button>
      }
    >
      <div className={styles.form}>
        <TextInput data-autofocus label={t("name")} description={t("name.how")} maxLength={100} value={name} error={problem?.field("name")} onChange={(event) => setName(event.currentTarget.value)} />
        <Select label={t("role")} allowDeselect={false} value={role} data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} error={problem?.field("role")} onChange={(value) => setRole(ROLES.find((some) => some === value) ?? "manager")} />
        <TextInput label={t("pbx")} description={t("pbx.how")} maxLength={64} value={pbx} error={problem?.field("pbx")} onChange={(event) => setPbx(event.currentTarget.value)} />
        <fieldset className={styles.rights}>
          <legend>{t("rights")}</legend>
          <p>{t("rights.how")}</p>
          {who.rights.map((right) => (
            <Checkbox key={right} size="xs" label={t(`right.${right}`)} description={<Code>{right}</Code>} checked={rights.includes(right)} onChange={() => toggle(right)} />
          ))}
        </fieldset>
        {problem?.errors.length === 0 && <p role="alert">{problem.detail}</p>}
      </div>
    </SidePanel>
  );
}

/** The key itself: seen now and never again. */
function Secret({ secret, name, close }: { secret: string; name: string; close: () => void }) {
  const t = useWords("keys");
  return (
    <SidePanel label={t("issued", { name })} onClose={close}>
      <div className={styles.form}>
        <p>{t("once")}</p>
        <Code block className={styles.secret ?? ""}>{secret}</Code>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button leftSection={<Icon name={copied ? "check" : "copy"} />} onClick={copy}>
              {t(copied ? "copied" : "copy")}
            </Button>
          )}
        </CopyButton>
      </div>
    </SidePanel>
  );
}
