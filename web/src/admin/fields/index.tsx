/* Own fields of cards and organisations, outcomes of calls and their reasons: lists that people arrange. */

import { Button, SegmentedControl } from "@mantine/core";
import { useFormats } from "../../formats";
import { Columns, Empty, Icon, Middle, PageHeader, Panel, Shown, Tag, useFilters } from "../../parts";
import { useWords } from "../../words";
import { OneDisposition, OneReason } from "./Answers";
import { NewField, NewAnswer } from "./NewRow";
import { OneField } from "./OneField";
import { labelOf } from "./order";
import { useDispositionRows, useFieldRows, useFields, useLists, useReasonRows, type FieldOf } from "./queries";
import { RowList } from "./RowList";
import styles from "./index.module.css";

const SHOWN = ["contact", "organisation", "outcomes", "reasons"] as const;
type Shows = (typeof SHOWN)[number];

export default function FieldsPage() {
  const t = useWords("fields");
  const [filters, change] = useFilters(["show", "row"] as const);
  const shown: Shows = SHOWN.find((some) => some === filters.show) ?? "contact";
  const open = (row: string | null) => change({ row });
  const part = { open: filters.row ?? null, onOpen: open };
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={
          <Button leftSection={<Icon name="plus" />} onClick={() => open("new")}>
            {t(`new.${shown}`)}
          </Button>
        }
      />
      <Columns>
        {shown === "contact" || shown === "organisation" ? (
          <Fields key={shown} of={shown} {...part}>
            <Choice shown={shown} onChoose={(show) => change({ show, row: null })} />
          </Fields>
        ) : (
          <Answers key={shown} kind={shown} {...part}>
            <Choice shown={shown} onChoose={(show) => change({ show, row: null })} />
          </Answers>
        )}
      </Columns>
    </>
  );
}

function Choice({ shown, onChoose }: { shown: Shows; onChoose: (shown: string) => void }) {
  const t = useWords("fields");
  return (
    <div className={styles["choice"]}>
      <SegmentedControl aria-label={t("shown")} value={shown} onChange={onChoose} data={SHOWN.map((value) => ({ value, label: t(`show.${value}`) }))} />
    </div>
  );
}

interface Part {
  open: string | null;
  onOpen: (row: string | null) => void;
  children: React.ReactNode;
}

function Fields({ of, open, onOpen, children }: Part & { of: FieldOf }) {
  const t = useWords("fields");
  const found = useFields(of);
  const rows = useFieldRows(of);
  const items = found.data?.items ?? [];
  const opened = items.find((field) => String(field.id) === open);
  return (
    <>
      <Middle>
        {children}
        <Panel title={t(`show.${of}`)} sub={t("fields.how")}>
          <Shown query={found} isEmpty={(data) => data.items.length === 0} empty={<None word={t("new.contact")} title={t("none.fields")} onNew={() => onOpen("new")} />}>
            {(data) => (
              <RowList
                label={t(`show.${of}`)}
                items={data.items}
                rows={rows}
                open={opened?.id ?? null}
                onOpen={(id) => onOpen(String(id))}
                nameOf={(field) => field.label}
                isArchived={(field) => field.archived}
                about={(field) => [t(`kind.${kindOf(field.kind)}`), ...field.choices.slice(0, 4)].join(" · ")}
                tags={(field) => (
                  <>
                    {field.required && <Tag tone="accent">{t("required")}</Tag>}
                    {field.searchable && <Tag>{t("searchable")}</Tag>}
                  </>
                )}
              />
            )}
          </Shown>
        </Panel>
      </Middle>
      {open === "new" && <NewField of={of} items={items} close={() => onOpen(null)} />}
      {opened && <OneField key={opened.id} field={opened} rows={rows} close={() => onOpen(null)} />}
    </>
  );
}

function kindOf(kind: string) {
  return (["text", "number", "date", "choice", "yes_no"] as const).find((some) => some === kind) ?? "text";
}

function Answers({ kind, open, onOpen, children }: Part & { kind: "outcomes" | "reasons" }) {
  const t = useWords("fields");
  const f = useFormats();
  const found = useLists();
  const outcomes = useDispositionRows();
  const reasons = useReasonRows();
  const outcome = kind === "outcomes" ? found.data?.dispositions.find((row) => String(row.id) === open) : undefined;
  const reason = kind === "reasons" ? found.data?.reasons.find((row) => String(row.id) === open) : undefined;
  const close = () => onOpen(null);
  const none = <None word={t(`new.${kind}`)} title={t(`none.${kind}`)} onNew={() => onOpen("new")} />;
  return (
    <>
      <Middle>
        {children}
        {kind === "outcomes" ? (
          <Panel title={t("show.outcomes")} sub={t("outcomes.how")}>
            <Shown query={found} isEmpty={(data) => data.dispositions.length === 0} empty={none}>
              {(data) => (
                <RowList
                  label={t("show.outcomes")}
                  items={data.dispositions}
                  rows={outcomes}
                  open={outcome?.id ?? null}
                  onOpen={(id) => onOpen(String(id))}
                  nameOf={(row) => labelOf(row, f.language)}
                  isArchived={(row) => row.archived_at !== null}
                  about={(row) => t("means.is", { means: t(`means.${row.means}`) })}
                  tags={(row) => (
                    <>
                      {row.reasons && <Tag>{t(row.reason_required ? "asks.reason.must" : "asks.reason")}</Tag>}
                      {row.next_step !== "none" && <Tag>{t(`next.${row.next_step}`)}</Tag>}
                    </>
                  )}
                />
              )}
            </Shown>
          </Panel>
        ) : (
          (["refusal", "purchase"] as const).map((of) => (
            <Panel key={of} title={t(`reasons.${of}`)}>
              <Shown query={found} isEmpty={(data) => data.reasons.every((row) => row.of !== of)} empty={none}>
                {(data) => (
                  <RowList
                    label={t(`reasons.${of}`)}
                    items={data.reasons.filter((row) => row.of === of)}
                    rows={reasons}
                    open={reason?.id ?? null}
                    onOpen={(id) => onOpen(String(id))}
                    nameOf={(row) => labelOf(row, f.language)}
                    isArchived={(row) => row.archived_at !== null}
                    about={(row) => (row.return_months ? t("return", { count: row.return_months }) : t("return.none"))}
                  />
                )}
              </Shown>
            </Panel>
          ))
        )}
      </Middle>
      {open === "new" && found.data && <NewAnswer kind={kind} lists={found.data} close={close} />}
      {outcome && <OneDisposition key={outcome.id} row={outcome} rows={outcomes} close={close} />}
      {reason && <OneReason key={reason.id} row={reason} rows={reasons} close={close} />}
    </>
  );
}

function None({ title, word, onNew }: { title: string; word: string; onNew: () => void }) {
  return <Empty icon="note" title={title} act={<Button onClick={onNew}>{word}</Button>} />;
}
