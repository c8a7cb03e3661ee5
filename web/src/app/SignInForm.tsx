/* Login and password, on the page of their own and in the panel when a session is over. */

import { Button, Checkbox, PasswordInput, TextInput } from "@mantine/core";
import { useEffect, useRef, useState, type SubmitEvent } from "react";
import { asProblem } from "../api";
import { duration } from "../formats";
import { useWords } from "../words";
import { useDoor } from "./session";
import { isSharedComputer } from "./shared";
import styles from "./SignIn.module.css";

export default function SignInForm({ login: known, inRow }: { login?: string | undefined; inRow?: boolean }) {
  const t = useWords("shell");
  const { signIn } = useDoor();
  const [login, setLogin] = useState(known ?? "");
  const [password, setPassword] = useState("");
  const [isShared, setShared] = useState(isSharedComputer);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const [isAsking, setAsking] = useState(false);
  const [fault, setFault] = useState<string | null>(null);

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    setAsking(true);
    setFault(null);
    try {
      await signIn(login.trim(), password, isShared);
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (!problem) throw thrown;
      if (problem.status === 429) setFault(t("sign.wait", { wait: duration(problem.retryAfter ?? 1) }));
      else if (problem.isPassing) setFault(t("sign.away"));
      else if (problem.status === 401) setFault(t("sign.wrong"));
      else setFault(problem.errors[0]?.detail ?? problem.detail);
    } finally {
      setAsking(false);
    }
  }

  return (
    <form className={styles["form"]} data-row={inRow ? true : undefined} onSubmit={(event) => void submit(event)}>
      {known === undefined && (
        <TextInput
          label={t("sign.login")}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
          ref={first}
          value={login}
          onChange={(event) => setLogin(event.currentTarget.value)}
        />
      )}
      <PasswordInput
        label={t("sign.password")}
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        value={password}
        visibilityToggleButtonProps={{ "aria-label": t("sign.show") }}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {known === undefined && (
        <Checkbox
          label={t("sign.shared")}
          description={t("sign.shared.how")}
          checked={isShared}
          onChange={(event) => setShared(event.currentTarget.checked)}
        />
      )}
      <Button type="submit" variant="filled" loading={isAsking} loaderProps={{ type: "dots" }}>
        {t("sign.in")}
      </Button>
      <p className={styles["fault"]} role="alert">
        {fault}
      </p>
    </form>
  );
}
