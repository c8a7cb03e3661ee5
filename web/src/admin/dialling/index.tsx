import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function DiallingPage() {
  const t = useWords("dialling");
  return <PageHeader title={t("title")} />;
}
