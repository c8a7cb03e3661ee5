/* The extensions of a person: where each rings, what clients see when he calls, and the password of its phone. */

import { Button, Select, TagsInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../api";
import { useFormats } from "../../formats";
import { useWords } from "../../words";
import { Once } from "./Once";
import { OWN, useExtensions, usePhonePassword, useWays, type Extension, type User } from "./queries";
import styles from "./index.module.css";

export function Extensions({ user, pbxs }: { user: User; pbxs: readonly string[] }) {
  const t = useWords("users");
  const { give, take } = useExtensions();
  return (
    <section className={styles.part}>
      <h3>{t("extensions")}</h3>
      {user.extensions.length === 0 ? (
        <p className={styles.quiet}>{t("extensions.none")}</p>
      ) : (
        <ul className={styles.extensions}>
          {user.extensions.map((extension) => (
            <OneExtension key={`${extension.pbx} ${extension.extension}`} user={user} extension={extension} take={() => take.run({ id: user.id, extension })} />
          ))}
        </ul>
      )}
      {pbxs.length > 0 && (
        <NewExtension
          pbxs={pbxs}
          isSending={give.isPending}
          fault={asProblem(give.error)?.detail ?? null}
          give={(pbx, extension) => give.run({ id: user.id, extension: { pbx, extension, endpoints: [`PJSIP/${extension}`] } })}
        />
      )}
    </section>
  );
}

function OneExtension({ user, extension, take }: { user: User; extension: Extension; take: () => void }) {
  const t = useWords("users");
  const f = useFormats();
  const phone = usePhonePassword();
  const own = extension.pbx === OWN;
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <span>
        <b>{extension.extension}</b> {extension.pbx}
        <small>{extension.endpoints.join(", ")}</small>
        {extension.caller_id && <small>{t("extension.shows", { number: f.phone(extension.caller_id) })}</small>}
      </span>
      <Button size="xs" variant="default" aria-expanded={isOpen} aria-label={t("extension.change", { extension: extension.extension })} onClick={() => setOpen(!isOpen)}>
        {t("change")}
      </Button>
      {own && (
        <Button size="xs" variant="default" loading={phone.isPending} onClick={() => phone.run({ id: user.id, extension })}>
          {t("phone")}
        </Button>
      )}
      <Button size="xs" variant="subtle" aria-label={t("extension.take", { extension: extension.extension })} onClick={take}>
        {t("take")}
      </Button>
      {isOpen && <Ways user={user} extension={extension} />}
      {phone.data && (
        <Once
          head={t("phone.made")}
          lines={[
            { name: t("phone.host"), value: `${phone.data.host}:${phone.data.port}` },
            { name: t("phone.user"), value: phone.data.user },
            { name: t("password"), value: phone.data.password },
          ]}
        />
      )}
    </li>
  );
}

/** Where an extension rings, and what clients see; those of our own exchange have one phone, which is made for them. */
function Ways({ user, extension }: { user: User; extension: Extension }) {
  const t = useWords("users");
  // What is typed; null: nothing since it was taken, and what the gateway has is shown.
  const [typedEndpoints, setEndpoints] = useState<string[] | null>(null);
  const [typedNumber, setNumber] = useState<string | null>(null);
  const { change, show } = useWays({ onChanged: () => setEndpoints(null), onShown: () => setNumber(null) });
  const endpoints = typedEndpoints ?? extension.endpoints;
  const number = typedNumber ?? extension.caller_id ?? "";
  const wanted = number.trim() || null;
  const hasWays = endpoints.length > 0 && endpoints.join() !== extension.endpoints.join();
  const hasNumber = wanted !== extension.caller_id;
  const reason = (fault: unknown, name: string) => asProblem(fault)?.within(name) ?? asProblem(fault)?.detail;
  return (
    <form
      className={styles.ways}
      onSubmit={(event) => {
        event.preventDefault();
        if (hasWays) change.run({ id: user.id, extension, endpoints });
        if (hasNumber) show.run({ id: user.id, extension, number: wanted });
      }}
    >
      {extension.pbx !== OWN && (
        <TagsInput label={t("endpoints")} description={t("endpoints.how")} value={endpoints} error={reason(change.error, "endpoints")} onChange={setEndpoints} />
      )}
      <TextInput
        type="tel"
        label={t("number.shown")}
        description={t("number.shown.how")}
        maxLength={64}
        value={number}
        error={reason(show.error, "number")}
        onChange={(event) => setNumber(event.currentTarget.value)}
      />
      <div>
        <Button type="submit" size="xs" loading={change.isPending || show.isPending} disabled={!hasWays && !hasNumber}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}

function NewExtension({ pbxs, give, fault, isSending }: { pbxs: readonly string[]; give: (pbx: string, extension: string) => void; fault: string | null; isSending: boolean }) {
  const t = useWords("users");
  const [pbx, setPbx] = useState(pbxs[0] ?? null);
  const [extension, setExtension] = useState("");
  return (
    <form
      className={styles.line}
      onSubmit={(event) => {
        event.preventDefault();
        if (!pbx || !extension.trim()) return;
        give(pbx, extension.trim());
      }}
    >
      {pbxs.length > 1 && <Select w={130} aria-label={t("pbx")} allowDeselect={false} value={pbx} data={[...pbxs]} onChange={setPbx} />}
      <TextInput w={120} aria-label={t("extension")} placeholder={t("extension")} maxLength={40} autoComplete="off" value={extension} onChange={(event) => setExtension(event.currentTarget.value)} />
      <Button type="submit" variant="default" loading={isSending} disabled={!extension.trim()}>
        {t("extension.give")}
      </Button>
      {fault && (
        <p role="alert" className={styles.fault}>
          {fault}
        </p>
      )}
    </form>
  );
}
