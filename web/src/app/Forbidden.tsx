/* A page that is closed for whoever asks: it says which right it needs and who may give it. */

import type { ReactNode } from "react";
import { useWords } from "../words";
import { Notice } from "../parts/Notice";
import { useSession, type Right } from "./session";

/** The page where one of the rights is held; else the word why not. */
export function Guarded({ rights, children }: { rights: readonly Right[]; children: ReactNode }) {
  const session = useSession();
  if (rights.length === 0 || rights.some(session.may)) return children;
  return <Forbidden right={rights[0] ?? ""} />;
}

export function Forbidden({ right }: { right: string }) {
  const t = useWords("shell");
  return (
    <Notice icon="lock" title={t("forbidden.title")} isPage>
      {t("forbidden.text", { right, who: t("forbidden.admin") })}
    </Notice>
  );
}
