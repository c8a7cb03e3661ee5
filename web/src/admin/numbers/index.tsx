import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function NumbersPage() {
  const t = useWords("numbers");
  return <PageHeader title={t("title")} />;
}
