import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function FieldsPage() {
  const t = useWords("fields");
  return <PageHeader title={t("title")} />;
}
