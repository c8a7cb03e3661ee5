/* How the site is: what the hourly look found at each PBX with its cure, the own exchange, and a call to see it all work. */

import { Button } from "@mantine/core";
import { Columns, Empty, Icon, Middle, PageHeader, Shown, Tag } from "../../parts";
import { useWords } from "../../words";
import { Demonstration } from "./Demonstration";
import { ExchangePanel } from "./ExchangePanel";
import { PbxPanel } from "./Findings";
import { countOf } from "./areas";
import { useFound, useLook } from "./queries";

export default function DoctorPage() {
  const t = useWords("doctor");
  const found = useFound();
  const look = useLook();
  const all = found.data?.items.flatMap((pbx) => pbx.findings) ?? [];
  const faults = countOf(all, "fault");
  const advice = countOf(all, "advice");
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={
          (found.data?.items.length ?? 0) > 0 && (
            <Button variant="default" leftSection={<Icon name="refresh" />} loading={look.isPending} onClick={() => look.run(null)}>
              {t("look.all")}
            </Button>
          )
        }
      >
        {faults > 0 && (
          <Tag tone="miss" icon="fault">
            {t("faults", { count: faults })}
          </Tag>
        )}
        {advice > 0 && (
          <Tag tone="warn" icon="warn">
            {t("advices", { count: advice })}
          </Tag>
        )}
        {all.length > 0 && (
          <Tag tone="talk" icon="done">
            {t("goods", { count: countOf(all, "ok") })}
          </Tag>
        )}
      </PageHeader>
      <Columns>
        <Middle>
          <Shown
            query={found}
            isEmpty={(list) => list.items.length === 0}
            empty={
              <Empty icon="doctor" title={t("none")}>
                {t("none.how")}
              </Empty>
            }
          >
            {(list) =>
              list.items.map((pbx) => (
                <PbxPanel key={pbx.pbx} pbx={pbx} isLooking={look.isPending} look={() => look.run(pbx.pbx)} />
              ))
            }
          </Shown>
          <ExchangePanel />
          <Demonstration />
        </Middle>
      </Columns>
    </>
  );
}
