import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function DoctorPage() {
  const t = useWords("doctor");
  return <PageHeader title={t("title")} />;
}
