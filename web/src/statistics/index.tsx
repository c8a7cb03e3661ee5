import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function StatisticsPage() {
  const t = useWords("statistics");
  return <PageHeader title={t("title")} />;
}
