/* What was found at one PBX: the faults first, each with its cure, ready to be copied. */

import { Button } from "@mantine/core";
import { useId } from "react";
import { Icon, Moment, Panel, Tag, useToast } from "../../parts";
import { useWords } from "../../words";
import { byArea, countOf } from "./areas";
import type { Finding, Pbx } from "./queries";
import styles from "./index.module.css";

const KINDS: Record<string, string> = { asterisk: "Asterisk", freepbx: "FreePBX", issabel: "Issabel", mikopbx: "MikoPBX" };
const ICONS = { ok: "done", advice: "warn", fault: "fault" } as const;

export function PbxPanel({ pbx, look, isLooking }: { pbx: Pbx; look: () => void; isLooking: boolean }) {
  const t = useWords("doctor");
  const advice = countOf(pbx.findings, "advice");
  return (
    <Panel
      title={pbx.pbx}
      sub={pbx.kind === null ? t("kind.none") : pbx.kind === "embedded" ? t("exchange") : (KINDS[pbx.kind] ?? pbx.kind)}
      acts={
        <>
          {pbx.faults > 0 && <Tag tone="miss">{t("faults", { count: pbx.faults })}</Tag>}
          {advice > 0 && <Tag tone="warn">{t("advices", { count: advice })}</Tag>}
          <Button size="xs" variant="default" loading={isLooking} aria-label={t("look.at", { pbx: pbx.pbx })} onClick={look}>
            {t("look")}
          </Button>
        </>
      }
    >
      {pbx.at === null ? (
        <p className={styles.area}>{t("never")}</p>
      ) : (
        <>
          <p className={styles.area}>
            {t("seen")} <Moment at={pbx.at} /> {t("hourly")}
            {pbx.unwell_since && (
              <>
                {" · "}
                {t("since")} <Moment at={pbx.unwell_since} />
              </>
            )}
          </p>
          {byArea(pbx.findings).map(({ area, findings }) => (
            <div key={area}>
              <h3 className={styles.area}>{area}</h3>
              <ul className={styles.rows}>
                {findings.map((finding, at) => (
                  <OneFinding key={`${finding.code} ${at}`} finding={finding} />
                ))}
              </ul>
            </div>
          ))}
        </>
      )}
    </Panel>
  );
}

function OneFinding({ finding }: { finding: Finding }) {
  const t = useWords("doctor");
  return (
    <li data-level={finding.level}>
      <span className={styles.level} data-level={finding.level}>
        <Icon name={ICONS[finding.level]} size={16} />
        {t(`level.${finding.level}`)}
      </span>
      <div className={styles.what}>
        <p>{finding.text}</p>
        {finding.remedy.length > 0 && <Remedy lines={finding.remedy} />}
      </div>
    </li>
  );
}

function Remedy({ lines }: { lines: readonly string[] }) {
  const t = useWords("doctor");
  const toast = useToast();
  const id = useId();
  const text = lines.join("\n");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast({ text: t("copied"), icon: "check" });
    } catch {
      toast({ text: t("copied.not"), icon: "warn" });
    }
  };
  return (
    <section className={styles.remedy} aria-labelledby={id}>
      <header>
        <span id={id}>{t("remedy")}</span>
        <Button size="xs" variant="default" leftSection={<Icon name="copy" size={14} />} onClick={copy}>
          {t("copy")}
        </Button>
      </header>
      <pre>{text}</pre>
    </section>
  );
}
