import { PageHeader } from "../../parts";
import { useWords } from "../../words";

export default function UsersPage() {
  const t = useWords("users");
  return <PageHeader title={t("title")} />;
}
