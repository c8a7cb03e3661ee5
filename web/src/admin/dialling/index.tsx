/* What may be dialled: try a number, countries, beginnings of numbers, costly numbers, limits, exceptions. */

import { Button } from "@mantine/core";
import { Columns, Icon, Middle, PageHeader, Panel, Shown, useFilters } from "../../parts";
import { useWords } from "../../words";
import { Exceptions, Special } from "./Exceptions";
import { LimitFields } from "./LimitFields";
import { Countries, Costly, Prefixes } from "./Lists";
import { useMayChange, usePermissions, type Permissions } from "./queries";
import { TryNumber } from "./TryNumber";
import styles from "./index.module.css";

export default function DiallingPage() {
  const t = useWords("dialling");
  const found = usePermissions();
  const mayChange = useMayChange();
  const [filters, change] = useFilters(["exception"] as const);
  const close = () => change({ exception: null });
  const opened = found.data?.exceptions.find((special) => String(special.id) === filters.exception) ?? null;
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={
          mayChange && (
            <Button leftSection={<Icon name="plus" />} onClick={() => change({ exception: "new" })}>
              {t("exception.new")}
            </Button>
          )
        }
      />
      <Columns>
        <Middle>
          <TryNumber />
          <Shown query={found}>{(rules) => <Rules rules={rules} onOpen={(exception) => change({ exception })} open={opened?.id ?? null} />}</Shown>
        </Middle>
        {mayChange && (filters.exception === "new" || opened) && <Special key={opened ? `${opened.id}/${opened.version}` : "new"} special={opened} close={close} />}
      </Columns>
    </>
  );
}

function Rules({ rules, open, onOpen }: { rules: Permissions; open: number | null; onOpen: (id: string) => void }) {
  const t = useWords("dialling");
  return (
    <>
      <Panel title={t("allowed")} sub={t("allowed.how")} isPadded>
        <div className={styles["form"]}>
          <Countries rules={rules} />
          <Costly rules={rules} />
        </div>
      </Panel>
      <Panel title={t("prefixes")} sub={t("prefixes.how")}>
        <Prefixes rules={rules} />
      </Panel>
      <Panel title={t("limits")} sub={t("limits.how")} isPadded>
        <LimitFields rules={rules} />
      </Panel>
      <Panel title={t("exceptions")} sub={t("exceptions.how")}>
        <Exceptions rules={rules} open={open} onOpen={onOpen} />
      </Panel>
    </>
  );
}
