import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function WebhooksPage() {
  const t = useWords("webhooks");
  return <PageHeader title={t("title")} />;
}
