import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function RecordingPage() {
  const t = useWords("recording");
  return <PageHeader title={t("title")} />;
}
