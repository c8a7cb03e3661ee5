/* A page that broke while it was drawn or loaded. The frame, the band and what was typed stay. */

import { Button } from "@mantine/core";
import { useEffect } from "react";
import { useRouteError } from "react-router";
import { Forbidden } from "./Forbidden";
import { NotFound } from "./NotFound";
import { asProblem } from "../api";
import { Notice } from "../parts/Notice";
import { useWords } from "../words";

/** A part of the build that is not served any more: the gateway was updated under the open page. */
function isOldBuild(fault: unknown): boolean {
  return fault instanceof Error && /dynamically imported module|module script failed|preload CSS/i.test(fault.message);
}

export function PageFault() {
  const fault = useRouteError();
  const t = useWords("shell");
  useEffect(() => console.error(fault), [fault]);
  const problem = asProblem(fault);
  if (problem?.isMissing) return <NotFound />;
  if (problem?.isForbidden) return <Forbidden right={problem.detail} />;
  const old = isOldBuild(fault);
  return (
    <Notice
      icon="warn"
      title={t("fault.title")}
      isPage
      act={
        <Button onClick={() => location.reload()}>
          {t("fault.reload")}
        </Button>
      }
    >
      {old ? t("fault.newer") : t("fault.text")}
    </Notice>
  );
}
