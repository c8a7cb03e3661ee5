/* One receiver: its address and kinds, saved as typed; a new secret; its end. */

import { Button, TagsInput, TextInput } from "@mantine/core";
import { useId, useState } from "react";
import { FieldFrame, SavedText, useSaved, type FieldProps } from "../../drafts";
import { Moment, SidePanel } from "../../parts";
import { useWords } from "../../words";
import { FAMILIES, narrowed } from "./kinds";
import { Secret } from "./NewReceiver";
import { readOne, useChange, useEnd, useNewSecret, type Webhook } from "./queries";
import styles from "./index.module.css";

export function OneReceiver({ hook, close }: { hook: Webhook; close: () => void }) {
  const t = useWords("webhooks");
  const change = useChange();
  const secret = useNewSecret();
  const part = <Name extends "url" | "description" | "kinds">(field: Name, bodyOf: (value: Webhook[Name]) => object): Omit<FieldProps<Webhook[Name]>, "label"> => ({
    id: `webhook/${hook.id}/${field}`,
    field,
    value: hook[field],
    version: hook.version,
    save: (value, version) => change(hook.id, { ...bodyOf(value), version }),
    refresh: async () => {
      const fresh = await readOne(hook.id);
      return { value: fresh[field], version: fresh.version };
    },
  });
  return (
    <SidePanel label={t("one")} onClose={close}>
      {secret.data?.secret && <Secret secret={secret.data.secret} />}
      <div className={styles["form"]}>
        <SavedText label={t("url")} maxLength={2000} {...part("url", (url) => ({ url }))} />
        <SavedKinds label={t("kinds")} {...part("kinds", (kinds) => ({ kinds }))} />
        <SavedText label={t("description")} maxLength={200} {...part("description", (description) => ({ description }))} />
        {hook.failing_since && (
          <p>
            {t("failing.since")} <Moment at={hook.failing_since} /> · {t("failures", { count: hook.failures })}
          </p>
        )}
        {hook.old_secret_until && (
          <p className={styles["quiet"]}>
            {t("secret.old")} <Moment at={hook.old_secret_until} />
          </p>
        )}
        <Button variant="default" loading={secret.isPending} onClick={() => secret.run(hook.id)}>
          {t("secret.new")}
        </Button>
        <p className={styles["quiet"]}>{t("secret.how")}</p>
        <End hook={hook} close={close} />
      </div>
    </SidePanel>
  );
}

function SavedKinds({ label, ...options }: FieldProps<string[]>) {
  const saved = useSaved({ ...options, atOnce: true });
  const id = useId();
  const take = (some: string[]) => {
    const kinds = narrowed(some);
    if (kinds.length > 0) saved.set(kinds);
  };
  return (
    <FieldFrame label={label} saved={saved} htmlFor={id}>
      <TagsInput id={id} data={[...FAMILIES]} value={saved.value} onChange={take} />
    </FieldFrame>
  );
}

/** What cannot be undone is confirmed by typing the address. */
function End({ hook, close }: { hook: Webhook; close: () => void }) {
  const t = useWords("webhooks");
  const [asks, setAsks] = useState(false);
  const [typed, setTyped] = useState("");
  const act = useEnd(close);
  if (!asks) {
    return (
      <Button variant="subtle" color="red" onClick={() => setAsks(true)}>
        {t("end")}
      </Button>
    );
  }
  return (
    <form
      className={styles["end"]}
      onSubmit={(event) => {
        event.preventDefault();
        if (typed === hook.url) act.run(hook.id);
      }}
    >
      <TextInput label={t("end.how", { url: hook.url })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
      <Button type="submit" color="red" disabled={typed !== hook.url} loading={act.isPending}>
        {t("end")}
      </Button>
    </form>
  );
}
