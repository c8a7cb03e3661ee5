import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function GoalsPage() {
  const t = useWords("goals");
  return <PageHeader title={t("title")} />;
}
