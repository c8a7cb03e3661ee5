/* One call with real speech through the whole of it, begun by a button; its steps as they happen. */

import { Button } from "@mantine/core";
import { Link } from "react-router";
import { useSession } from "../../app/session";
import { useFormats } from "../../formats";
import { Icon, Panel, Shown, Tag } from "../../parts";
import { useWords } from "../../words";
import { useDemo, useShowDemo, type Demo } from "./queries";
import styles from "./index.module.css";

const TONES = { idle: "plain", running: "accent", done: "talk", failed: "miss" } as const;

export function Demonstration() {
  const t = useWords("doctor");
  const may = useSession().may("demo.show");
  const demo = useDemo();
  if (!may) return null;
  const state = demo.data?.state;
  return (
    <Panel title={t("demo")} acts={state && state !== "idle" && <Tag tone={TONES[state]}>{t(`demo.${state}`)}</Tag>} isPadded>
      <Shown query={demo}>{(found) => <Shows demo={found} />}</Shown>
    </Panel>
  );
}

function Shows({ demo }: { demo: Demo }) {
  const t = useWords("doctor");
  const show = useShowDemo();
  const isRunning = demo.state === "running";
  const hindered = demo.hindered && demo.hindered.code !== "runs" ? demo.hindered.code : null;
  return (
    <div className={styles.demo}>
      <p className={styles.quiet}>{hindered ? t(`hindered.${hindered}`) : t("demo.how")}</p>
      <div className={styles.acts}>
        {!hindered && (
          <Button leftSection={<Icon name="play" />} loading={show.isPending || isRunning} onClick={() => show.run(null)}>
            {t(demo.steps.length ? "demo.again" : "demo.begin")}
          </Button>
        )}
        {demo.call && (
          <Button component={Link} to={`/calls/${demo.call}`} variant="default">
            {t("demo.call")}
          </Button>
        )}
      </div>
      {(demo.steps.length > 0 || demo.state === "failed") && <Steps demo={demo} />}
    </div>
  );
}

function Steps({ demo }: { demo: Demo }) {
  const t = useWords("doctor");
  const f = useFormats();
  return (
    <ol className={styles.steps} aria-label={t("demo.steps")} aria-live="polite">
      {demo.steps.map((step, at) => (
        <li key={`${step.at} ${at}`}>
          <time dateTime={step.at}>{f.exactClock(step.at)}</time>
          <Icon name="check" size={16} />
          <span>{step.step === "text" && step.values["is_on"] === 0 ? t("step.text.off") : t(`step.${step.step}`, step.values)}</span>
        </li>
      ))}
      {demo.state === "failed" && (
        <li>
          <time>{demo.ended_at ? f.exactClock(demo.ended_at) : ""}</time>
          <span data-failed>
            <Icon name="fault" size={16} />
          </span>
          <b>{demo.reason}</b>
        </li>
      )}
    </ol>
  );
}
