/* Lists of clients from a file: send it, name its columns, try it, import it, take it back. Nothing is written before the
   last step. */

import { Button, FileButton } from "@mantine/core";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { asProblem } from "../../api";
import { useFormats } from "../../formats";
import { Columns, Empty, Failed, Icon, Middle, Moment, PageHeader, Panel, SkeletonRows, Tag } from "../../parts";
import { useWords } from "../../words";
import { OneImport } from "./OneImport";
import { useImport, useImports, useUpload, type Import } from "./queries";
import { isActive, STATES } from "./steps";
import styles from "./index.module.css";

export default function ImportPage() {
  const t = useWords("imports");
  const [search, setSearch] = useSearchParams();
  const id = search.get("import");
  const open = (made: number | null) => setSearch(made === null ? {} : { import: String(made) });
  return (
    <>
      <PageHeader title={t("title")} back={id === null ? "/clients" : "/clients/import"} />
      <Columns>
        <Middle>{id !== null && /^\d{1,15}$/.test(id) ? <Opened key={id} id={Number(id)} close={() => open(null)} /> : <Start open={(made) => open(made.id)} />}</Middle>
      </Columns>
    </>
  );
}

function Opened({ id, close }: { id: number; close: () => void }) {
  const found = useImport(id);
  const problem = asProblem(found.error);
  if (problem && !found.data) return <Failed problem={problem} retry={() => void found.refetch()} />;
  return found.data ? <OneImport of={found.data} close={close} /> : <SkeletonRows height={56} />;
}

const TAKEN = ".csv,.tsv,.txt,.xlsx,.xlsm,.xlsb,.xls,.ods";

function Start({ open }: { open: (made: Import) => void }) {
  const t = useWords("imports");
  const upload = useUpload(open);
  const [isOver, setOver] = useState(false);
  const problem = asProblem(upload.error);
  const send = (file: File | null | undefined) => {
    if (file && !upload.isPending) upload.run(file);
  };
  return (
    <>
      {/* Dropping is a shortcut of the button within, which keys reach. */}
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions */}
      <div
        className={styles.drop}
        data-over={isOver || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          send(event.dataTransfer.files[0]);
        }}
      >
        <Icon name="import" size={24} />
        <p>
          <b>{t("drop")}</b>
        </p>
        <p className="dim">{t("drop.how")}</p>
        <FileButton onChange={send} accept={TAKEN} inputProps={{ "aria-label": t("choose") }}>
          {(props) => (
            <Button {...props} loading={upload.isPending}>
              {t("choose")}
            </Button>
          )}
        </FileButton>
        {problem && (
          <p role="alert" className={styles.fault}>
            {problem.errors[0]?.detail ?? problem.detail}
          </p>
        )}
      </div>
      <Before />
    </>
  );
}

/** Imports so far. */
function Before() {
  const t = useWords("imports");
  const f = useFormats();
  const pages = useImports();
  const problem = asProblem(pages.query.error);
  if (!pages.rows) return problem ? <Failed problem={problem} retry={() => void pages.query.refetch()} /> : <SkeletonRows />;
  if (pages.rows.length === 0) {
    return (
      <Empty icon="import" title={t("none")}>
        {t("none.how")}
      </Empty>
    );
  }
  return (
    <Panel title={t("before")}>
      <ul className={styles.before}>
        {pages.rows.map((one) => (
          <li key={one.id}>
            <Link to={`?import=${one.id}`} className="cut">
              {one.name}
            </Link>
            <StateTag state={one.state} />
            <small className="dim">{t("rows", { count: one.progress.total, n: f.count(one.progress.total) })}</small>
            <Moment at={one.made_at} />
          </li>
        ))}
      </ul>
      {pages.hasMore && (
        <Button variant="subtle" fullWidth loading={pages.query.isFetchingNextPage} onClick={pages.more}>
          {t("more")}
        </Button>
      )}
    </Panel>
  );
}

export function StateTag({ state }: { state: string }) {
  const t = useWords("imports");
  const known = STATES.find((some) => some === state) ?? "ready";
  const tone = isActive(state) ? "accent" : state === "done" ? "talk" : state === "failed" ? "miss" : "plain";
  return <Tag tone={tone}>{t(`state.${known}`)}</Tag>;
}
