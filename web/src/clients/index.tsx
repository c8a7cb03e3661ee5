import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function ClientsPage() {
  const t = useWords("clients");
  return <PageHeader title={t("title")} />;
}
