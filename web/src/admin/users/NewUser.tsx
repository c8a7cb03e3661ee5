/* A new person. His password is made here and shown once. */

import { Button, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../api";
import { SidePanel } from "../../parts";
import { LANGUAGE_NAMES, LANGUAGES, useLanguage, useWords, type Language } from "../../words";
import { Once } from "./Once";
import { newPassword } from "./passwords";
import { useMakeUser } from "./queries";
import { ROLES, type Role } from "./roles";
import styles from "./index.module.css";

interface Made {
  readonly id: number;
  readonly login: string;
  readonly password: string;
}

export default function NewUser({ close, open }: { close: () => void; open: (id: number) => void }) {
  const t = useWords("users");
  const spoken = useLanguage();
  const [name, setName] = useState("");
  const [login, setLogin] = useState("");
  const [role, setRole] = useState<Role>("manager");
  const [language, setLanguage] = useState<Language>(spoken);
  const [made, setMade] = useState<Made | null>(null);
  const make = useMakeUser((user, password) => setMade({ id: user.id, login: user.login, password }));
  const problem = asProblem(make.error);
  const taken = problem?.status === 409 ? problem.detail : null;
  const isReady = name.trim() !== "" && login.trim() !== "";
  const send = () => make.run({ name: name.trim(), login: login.trim(), role, language, password: newPassword() });
  if (made) {
    return (
      <SidePanel label={t("new")} onClose={close} foot={<Button onClick={() => open(made.id)}>{t("made.next")}</Button>}>
        <div className={styles.part}>
          <Once
            head={t("made")}
            lines={[
              { name: t("login"), value: made.login },
              { name: t("password"), value: made.password },
            ]}
          />
        </div>
      </SidePanel>
    );
  }
  return (
    <SidePanel
      label={t("new")}
      onClose={close}
      foot={
        <Button fullWidth loading={make.isPending} disabled={!isReady} onClick={send}>
          {t("make")}
        </Button>
      }
    >
      <form
        className={styles.part}
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) send();
        }}
      >
        <TextInput data-autofocus label={t("name")} maxLength={120} autoComplete="off" value={name} error={problem?.field("name")} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label={t("login")} maxLength={80} autoComplete="off" value={login} error={taken ?? problem?.field("login")} onChange={(event) => setLogin(event.currentTarget.value)} />
        <Select label={t("role")} allowDeselect={false} value={role} data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} onChange={(value) => setRole(ROLES.find((some) => some === value) ?? "manager")} />
        <Select label={t("language")} allowDeselect={false} value={language} data={LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] }))} onChange={(value) => setLanguage(LANGUAGES.find((some) => some === value) ?? "en")} />
        <p className={styles.quiet}>{t("password.how")}</p>
        {problem?.errors.length === 0 && taken === null && (
          <p role="alert" className={styles.fault}>
            {problem.detail}
          </p>
        )}
        <button type="submit" hidden />
      </form>
    </SidePanel>
  );
}
