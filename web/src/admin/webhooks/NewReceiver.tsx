/* A new receiver; its secret is shown once. */

import { Button, Code, CopyButton, TagsInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../api";
import { Icon, SidePanel } from "../../parts";
import { useWords } from "../../words";
import { FAMILIES, narrowed } from "./kinds";
import { useNewWebhook } from "./queries";
import styles from "./index.module.css";

export function NewReceiver({ close }: { close: () => void }) {
  const t = useWords("webhooks");
  const [url, setUrl] = useState("");
  const [description, setDescription] = useState("");
  const [kinds, setKinds] = useState<string[]>(["call.*"]);
  const act = useNewWebhook();
  const problem = asProblem(act.error);
  if (act.data?.secret) {
    return (
      <SidePanel label={t("made")} onClose={close}>
        <Secret secret={act.data.secret} />
      </SidePanel>
    );
  }
  const send = () => act.run({ url: url.trim(), kinds, description: description.trim(), active: true });
  return (
    <SidePanel
      label={t("new")}
      onClose={close}
      foot={
        <Button fullWidth disabled={url.trim() === "" || kinds.length === 0} loading={act.isPending} onClick={send}>
          {t("make")}
        </Button>
      }
    >
      <div className={styles["form"]}>
        <TextInput data-autofocus type="url" label={t("url")} description={t("url.how")} maxLength={2000} value={url} error={problem?.field("url")} onChange={(event) => setUrl(event.currentTarget.value)} />
        <TagsInput label={t("kinds")} description={t("kinds.how")} data={[...FAMILIES]} value={kinds} error={problem?.field("kinds")} onChange={(some) => setKinds(narrowed(some))} />
        <TextInput label={t("description")} maxLength={200} value={description} error={problem?.field("description")} onChange={(event) => setDescription(event.currentTarget.value)} />
        {problem?.field("url") === null && problem.field("kinds") === null && <p role="alert">{problem.errors[0]?.detail ?? problem.detail}</p>}
      </div>
    </SidePanel>
  );
}

/** Seen now and never again. */
export function Secret({ secret }: { secret: string }) {
  const t = useWords("webhooks");
  return (
    <div className={styles["form"]} role="status">
      <p>{t("once")}</p>
      <Code block>{secret}</Code>
      <CopyButton value={secret}>
        {({ copied, copy }) => (
          <Button leftSection={<Icon name={copied ? "check" : "copy"} />} onClick={copy}>
            {t(copied ? "copied" : "copy")}
          </Button>
        )}
      </CopyButton>
    </div>
  );
}
