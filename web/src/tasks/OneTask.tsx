/* One task beside the list: what is to be done with it, and what became of it so far. */

import { Anchor, Button, Select } from "@mantine/core";
import { Link } from "react-router";
import { SavedLines, SavedText } from "../drafts";
import { api, body, keys, useQueryClient } from "../api";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { CallButton, HeatTag, Icon, PhoneNumber, Shown, SidePanel, Tag } from "../parts";
import { useWords } from "../words";
import { useChangeTask, useTask, type Change, type Task } from "./queries";
import { WhenField } from "./WhenField";
import styles from "./index.module.css";

export function OneTask({ id, close }: { id: number; close: () => void }) {
  const t = useWords("tasks");
  const task = useTask(id);
  return (
    <SidePanel label={task.data?.title ?? t("task")} onClose={close} closesFromFields foot={task.data && <Acts task={task.data} />}>
      <Shown query={task}>
        {(found) => (
          <div className={styles.one}>
            <About task={found} />
            <Texts task={found} />
            <History task={found} />
          </div>
        )}
      </Shown>
    </SidePanel>
  );
}

function Acts({ task }: { task: Task }) {
  const t = useWords("tasks");
  const change = useChangeTask();
  const isOpen = task.state === "new" || task.state === "in_progress";
  const set = (state: Change["state"], said: string) => change.run({ task, change: { state }, said });
  if (!isOpen) {
    return (
      <Button variant="default" leftSection={<Icon name="undo" />} onClick={() => set("new", t("reopened"))}>
        {t("reopen")}
      </Button>
    );
  }
  return (
    <div className={styles.acts}>
      <Button leftSection={<Icon name="check" />} onClick={() => set("done", t("finished", { title: task.title }))}>
        {t("finish")}
      </Button>
      <Button variant="default" onClick={() => set("failed", t("failed", { title: task.title }))}>
        {t("fail")}
      </Button>
      {task.number && <CallButton word={t("call")} number={task.number} {...(task.contact ? { contact: task.contact.id } : {})} size="sm" />}
    </div>
  );
}

function About({ task }: { task: Task }) {
  const t = useWords("tasks");
  const session = useSession();
  const change = useChangeTask();
  const people = useColleagueChoices(session.may("tasks.write_all"));
  const f = useFormats();
  return (
    <section>
      <p className={styles.tags}>
        <Tag>{t(`kind.${task.kind}`)}</Tag>
        <Tag tone={task.overdue ? "miss" : task.state === "done" ? "talk" : "plain"}>{task.overdue ? t("overdue") : t(`state.${task.state}`)}</Tag>
        {task.frozen && <Tag tone="after">{t("frozen")}</Tag>}
        <HeatTag heat={task.contact?.heat} />
      </p>
      {task.contact && (
        <p>
          <Anchor component={Link} to={`/clients/${task.contact.id}`}>
            {f.client(task.contact.name)}
          </Anchor>{" "}
          <span className="dim">{task.contact.city}</span>
        </p>
      )}
      {task.number && (
        <p>
          <PhoneNumber number={task.number} {...(task.contact ? { contact: task.contact.id } : {})} />
        </p>
      )}
      <WhenField
        label={t("field.due")}
        value={task.due_at}
        onChange={(due_at) => change.run({ task, change: { due_at }, said: due_at ? t("moved", { when: f.moment(due_at) }) : t("moved.none") })}
      />
      {people.length > 0 && (
        <Select
          label={t("field.owner")}
          searchable
          value={task.owner === null ? null : String(task.owner)}
          data={people}
          placeholder={t("nobody")}
          onChange={(value) => {
            const owner = value ? Number(value) : null;
            if (owner !== task.owner) change.run({ task, change: { owner }, said: t("given") });
          }}
        />
      )}
      {people.length === 0 && task.owner_name && <p className="dim">{task.owner_name}</p>}
    </section>
  );
}

function Texts({ task }: { task: Task }) {
  const t = useWords("tasks");
  const cache = useQueryClient();
  const save = async (change: Change, version: number) => {
    const changed = await body(
      api.PATCH("/api/v1/tasks/{task_id}", { params: { path: { task_id: task.id } }, body: { ...change, version } }),
    );
    await cache.invalidateQueries({ queryKey: keys.one("tasks", task.id) });
    return changed;
  };
  const read = () => body(api.GET("/api/v1/tasks/{task_id}", { params: { path: { task_id: task.id } } }));
  return (
    <section>
      <SavedText
        label={t("field.title")}
        id={`task/${task.id}/title`}
        field="title"
        value={task.title}
        version={task.version}
        maxLength={200}
        save={(title, version) => save({ title }, version)}
        refresh={async () => {
          const { title, version } = await read();
          return { value: title, version };
        }}
      />
      <SavedLines
        label={t("field.note")}
        id={`task/${task.id}/note`}
        field="note"
        value={task.note}
        version={task.version}
        save={(note, version) => save({ note }, version)}
        refresh={async () => {
          const { note, version } = await read();
          return { value: note, version };
        }}
      />
      {task.script && (
        <>
          <h3>{t("script")}</h3>
          <p className={styles.text}>{task.script}</p>
        </>
      )}
      {task.templates.map((template) => (
        <details key={template.name}>
          <summary>{template.name}</summary>
          <p className={styles.text}>{template.text}</p>
        </details>
      ))}
    </section>
  );
}

function History({ task }: { task: NonNullable<ReturnType<typeof useTask>["data"]> }) {
  const t = useWords("tasks");
  const f = useFormats();
  return (
    <section>
      <h3>{t("history")}</h3>
      <ul className={styles.history}>
        <li>
          <span>{t(`origin.${task.origin}`)}</span>
          <small>{f.moment(task.created_at)}</small>
        </li>
        {task.history.map((change, at) => (
          <li key={`${change.at} ${at}`}>
            <span>{t("changed")}</span>
            <small>{f.moment(change.at)}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}
