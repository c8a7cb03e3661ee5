import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function TasksPage() {
  const t = useWords("tasks");
  return <PageHeader title={t("title")} />;
}
