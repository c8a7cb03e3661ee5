import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function LivePage() {
  const t = useWords("live");
  return <PageHeader title={t("title")} />;
}
