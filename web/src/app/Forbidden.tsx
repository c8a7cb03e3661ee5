/* A page that is closed for whoever asks: it says which right it needs and who may give it. */

import type { ReactNode } from "react";
import { tame } from "../formats";
import { Notice } from "../parts/Notice";
import { useWords } from "../words";
import { useSession, type Right } from "./session";

/** The page where one of the rights is held; else the word why not. */
export function Guarded({ rights, children }: { rights: readonly Right[]; children: ReactNode }) {
  const session = useSession();
  if (rights.length === 0 || rights.some(session.may)) return children;
  return <Forbidden right={rights[0]} />;
}

/** @param why in the gateway's words, where it refused */
export function Forbidden({ right, why }: { right?: Right | undefined; why?: string }) {
  const t = useWords("shell");
  const { who } = useSession();
  const givers = who.ask.map((giver) => tame(giver.name)).join(", ") || t("forbidden.admin");
  return (
    <Notice icon="lock" title={t("forbidden.title")} isPage>
      {right ? t("forbidden.text", { right, who: givers }) : `${why ?? ""} ${t("forbidden.ask", { who: givers })}`}
    </Notice>
  );
}
