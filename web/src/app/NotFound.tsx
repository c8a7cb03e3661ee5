import { Link } from "react-router";
import { Notice } from "../parts/Notice";
import { useWords } from "../words";

/** An address with nothing behind it. */
export function NotFound() {
  const t = useWords("shell");
  return (
    <Notice icon="search" title={t("notFound.title")} act={<Link to="/">{t("notFound.home")}</Link>} isPage>
      {t("notFound.text")}
    </Notice>
  );
}
