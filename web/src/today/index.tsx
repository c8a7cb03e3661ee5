import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function TodayPage() {
  const t = useWords("today");
  return <PageHeader title={t("title")} />;
}
