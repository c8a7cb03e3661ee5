/* How the file is written, where the guess is wrong: its encoding, what parts its cells, its sheet, the row of names. The
   columns below are read anew with each choice. */

import { Button, Select, TextInput } from "@mantine/core";
import { asProblem } from "../../api";
import { useTyped } from "../../calls/typed";
import { Icon, Panel } from "../../parts";
import { useWords } from "../../words";
import { useCorrect, type Import } from "./queries";
import { DELIMITERS, ENCODINGS, rowOf, written, type Writing } from "./writing";
import styles from "./index.module.css";

export function WritingFields({ of }: { of: Import }) {
  const t = useWords("imports");
  const correct = useCorrect(of.id);
  const problem = asProblem(correct.error);
  const { writing } = of;
  const set = (writing: Writing) => correct.run({ version: of.version, writing });
  const parts = DELIMITERS.map(({ name }) => ({ value: name, label: t(`delimiter.${name}`) }));
  const known = DELIMITERS.find(({ sign }) => sign === writing.delimiter)?.name;
  return (
    <Panel
      title={t("writing")}
      sub={t("writing.how")}
      isPadded
      acts={
        <Button size="xs" loading={correct.isPending} onClick={() => set({})}>
          {t("writing.again")}
        </Button>
      }
    >
      <fieldset className={styles.writing} disabled={correct.isPending}>
        {of.format === "text" && (
          <>
            <Select
              label={t("encoding")}
              allowDeselect={false}
              value={writing.encoding}
              data={ENCODINGS.map((value) => ({ value, label: t(`encoding.${value}`) }))}
              onChange={(encoding) => encoding && set(written(writing, { encoding }))}
            />
            <Select
              label={t("delimiter")}
              allowDeselect={false}
              value={known ?? writing.delimiter}
              data={known || !writing.delimiter ? parts : [...parts, { value: writing.delimiter, label: writing.delimiter }]}
              onChange={(name) => name !== null && set(written(writing, { delimiter: DELIMITERS.find((one) => one.name === name)?.sign ?? name }))}
            />
          </>
        )}
        {of.sheets.length > 0 && (
          <Select label={t("sheet")} allowDeselect={false} searchable={of.sheets.length > 8} value={writing.sheet} data={[...of.sheets]} onChange={(sheet) => sheet && set(written(writing, { sheet }))} />
        )}
        <HeaderRow value={writing.header ?? 0} set={(header) => set(written(writing, { header }))} />
      </fieldset>
      {of.mixed && (
        <p className={styles.mixed}>
          <Icon name="info" size={14} /> {t("mixed")}
        </p>
      )}
      {problem && (
        <p role="alert" className={styles.fault}>
          {problem.errors[0]?.detail ?? problem.detail} {t("writing.kept")}
        </p>
      )}
    </Panel>
  );
}

/** Taken when the field is left, or with Enter. */
function HeaderRow({ value, set }: { value: number; set: (row: number) => void }) {
  const t = useWords("imports");
  const [text, setText] = useTyped(String(value));
  const row = rowOf(text);
  const send = () => {
    if (row !== null && row !== value) set(row);
  };
  return (
    <TextInput
      label={t("header")}
      inputMode="numeric"
      value={text}
      error={row === null ? t("header.fault") : null}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={send}
      onKeyDown={(event) => {
        if (event.key === "Enter") send();
      }}
    />
  );
}
