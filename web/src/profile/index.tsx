import { PageHeader } from "../parts";
import { useWords } from "../words";

export default function ProfilePage() {
  const t = useWords("profile");
  return <PageHeader title={t("title")} />;
}
