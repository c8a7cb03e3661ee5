import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function PlayerPage() {
  const t = useWords("player");
  return <PageHeader title={t("title")} back="/calls" />;
}
