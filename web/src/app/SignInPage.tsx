/* Nobody is signed in. The address stays, so that one goes on where one wanted to. */

import { useEffect } from "react";
import { Icon } from "../parts/Icon";
import { LanguageChoice } from "./LanguageChoice";
import SignInForm from "./SignInForm";
import styles from "./SignIn.module.css";
import { useWords } from "../words";

export default function SignInPage() {
  const t = useWords("shell");
  useEffect(() => {
    document.title = "Trunkline";
  }, []);
  return (
    <main className={styles["page"]}>
      <div className={styles["card"]}>
        <span className={styles["logo"]}>
          <Icon name="logo" size={28} />
        </span>
        <h1>{t("sign.title")}</h1>
        <SignInForm />
      </div>
      <LanguageChoice />
    </main>
  );
}
