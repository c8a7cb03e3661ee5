import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function AuditPage() {
  const t = useWords("audit");
  return <PageHeader title={t("title")} />;
}
