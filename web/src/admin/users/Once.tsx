/* A secret that is shown this once, with a way to copy it. */

import { Button } from "@mantine/core";
import { Icon, useToast } from "../../parts";
import { useWords } from "../../words";
import styles from "./index.module.css";

export function Once({ head, lines }: { head: string; lines: readonly { name: string; value: string }[] }) {
  const t = useWords("users");
  const toast = useToast();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(lines.map(({ name, value }) => `${name}: ${value}`).join("\n"));
      toast({ text: t("copied"), icon: "check" });
    } catch {
      toast({ text: t("copied.not"), icon: "warn" });
    }
  };
  return (
    <div className={styles.once} role="status">
      <b>{head}</b>
      {lines.map(({ name, value }) => (
        <div key={name}>
          {name}: <code>{value}</code>
        </div>
      ))}
      <small>{t("once")}</small>
      <div>
        <Button size="xs" variant="default" leftSection={<Icon name="copy" size={14} />} onClick={copy}>
          {t("copy")}
        </Button>
      </div>
    </div>
  );
}
