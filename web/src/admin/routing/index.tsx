import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function RoutingPage() {
  const t = useWords("routing");
  return <PageHeader title={t("title")} />;
}
