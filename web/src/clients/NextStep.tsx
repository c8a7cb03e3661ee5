/* What is to be done next with a client: the nearest planned call or task; nothing is told too, with the way to plan it. */

import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { api, body, keys, useQuery } from "../api";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { Icon, useMinute } from "../parts";
import { useWords } from "../words";
import { nearest, type Step } from "./steps";
import styles from "./card.module.css";

export function NextStep({ contact, plan }: { contact: number; plan: () => void }) {
  const t = useWords("clients");
  const f = useFormats();
  const now = useMinute();
  const me = useSession().userId;
  const steps = useSteps(contact);
  if (!steps.data) return null;
  const step = nearest(steps.data);
  if (!step) {
    return (
      <p className={styles.next} aria-label={t("next")}>
        <Icon name="task" />
        <span className="dim">{t("next.none")}</span>
        <Anchor component="button" type="button" onClick={plan}>
          {t("next.plan")}
        </Anchor>
      </p>
    );
  }
  const isLate = step.at !== null && Date.parse(step.at) < now;
  const what = step.what || t(step.kind === "planned" ? "entry.scheduled" : "newTask");
  return (
    <p className={styles.next} data-late={isLate || undefined} aria-label={t("next")}>
      <Icon name={step.kind === "planned" ? "clock" : "task"} />
      <span className="cut">
        <small className="dim">{t("next")}</small> {step.kind === "task" ? <Link to={`/tasks?task=${step.id}`}>{what}</Link> : <b>{what}</b>}
      </span>
      {step.at && <time dateTime={step.at}>{f.moment(step.at, now)}</time>}
      <small className="dim">{step.owner !== null && step.owner === me ? t("you") : step.ownerName}</small>
    </p>
  );
}

function useSteps(contact: number) {
  return useQuery({
    queryKey: keys.one("contacts", contact, "steps"),
    queryFn: async (): Promise<Step[]> => {
      const [tasks, planned] = await Promise.all([
        body(api.GET("/api/v1/tasks", { params: { query: { contact, open: true, limit: 5 } } })),
        body(api.GET("/api/v1/scheduled-calls", { params: { query: { contact, state: ["planned"], limit: 5 } } })),
      ]);
      return [
        ...tasks.items.map((task): Step => ({ kind: "task", id: task.id, at: task.due_at, what: task.title, owner: task.owner, ownerName: task.owner_name ?? "" })),
        ...planned.items.map((call): Step => ({ kind: "planned", id: call.id, at: call.at, what: call.note.split("\n", 1)[0] ?? "", owner: call.user, ownerName: call.user_name })),
      ];
    },
  });
}
