/* The session is over: a panel under the band asks for the password again. The page stays as it is, what was typed stays,
   and the requests that were refused are sent anew. */

import { Suspense } from "react";
import { useSession, useSessionOver } from "./session";
import styles from "./SignIn.module.css";
import { useWords } from "../words";
import { late } from "../parts/late";

const SignInForm = late(() => import("./SignInForm"));

export function SessionOver() {
  const isOver = useSessionOver();
  return isOver ? <Panel /> : null;
}

function Panel() {
  const t = useWords("shell");
  const { who } = useSession();
  return (
    <section className={styles["over"]} aria-label={t("sign.overTitle")}>
      <div role="alert">
        <h2>{t("sign.overTitle")}</h2>
        <p>{t("sign.over")}</p>
      </div>
      <Suspense>
        <SignInForm login={who.user?.login} inRow />
      </Suspense>
    </section>
  );
}
