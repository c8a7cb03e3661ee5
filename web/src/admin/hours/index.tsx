import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function HoursPage() {
  const t = useWords("hours");
  return <PageHeader title={t("title")} />;
}
