import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function ClientPage() {
  const t = useWords("clients");
  return <PageHeader title={t("card")} back="/clients" />;
}
