import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function OrganisationsPage() {
  const t = useWords("organisations");
  return <PageHeader title={t("title")} back="/clients" />;
}
