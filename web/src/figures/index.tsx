import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function FiguresPage() {
  const t = useWords("figures");
  return <PageHeader title={t("title")} />;
}
