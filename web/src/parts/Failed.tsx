/* Something could not be loaded: what, what is kept, and Try again. */

import { Button } from "@mantine/core";
import type { ApiProblem } from "../api";
import { useWords } from "../words";
import { Notice } from "./Notice";

export interface FailedProps {
  problem?: ApiProblem | null;
  retry?: (() => void) | undefined;
  isPage?: boolean;
}

export function Failed({ problem, retry, isPage }: FailedProps) {
  const t = useWords("parts");
  return (
    <Notice
      icon="warn"
      tone="miss"
      title={t("failed.title")}
      isPage={isPage ?? false}
      act={retry && <Button onClick={retry}>{t("again")}</Button>}
    >
      {problem?.isPassing ? t("failed.away") : problem?.detail}
    </Notice>
  );
}
