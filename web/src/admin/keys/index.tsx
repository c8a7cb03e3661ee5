import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function KeysPage() {
  const t = useWords("keys");
  return <PageHeader title={t("title")} />;
}
