import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function CallsPage() {
  const t = useWords("calls");
  return <PageHeader title={t("title")} />;
}
