/* The place of a page: closed for who lacks the right, waiting while it is loaded, and a fault of it stays in it. The
   frame, the band and what was typed go on. */

import { Button } from "@mantine/core";
import { Component, Suspense, type ReactNode } from "react";
import { useLocation } from "react-router";
import { asProblem } from "../api/problem";
import { isOutOfReach } from "../parts/late";
import { Notice } from "../parts/Notice";
import { SkeletonRows } from "../parts/Skeleton";
import { useWords } from "../words";
import { Forbidden, Guarded } from "./Forbidden";
import { NotFound } from "./NotFound";
import type { Right } from "./session";

export function PagePlace({ rights, children }: { rights: readonly Right[]; children: ReactNode }) {
  const { pathname } = useLocation();
  return (
    <Boundary key={pathname}>
      <Guarded rights={rights}>
        <Suspense fallback={<SkeletonRows height={56} />}>{children}</Suspense>
      </Guarded>
    </Boundary>
  );
}

interface State {
  fault: unknown;
}

class Boundary extends Component<{ children: ReactNode }, State> {
  override state: State = { fault: null };

  static getDerivedStateFromError(fault: unknown): State {
    return { fault };
  }

  override componentDidCatch(fault: unknown): void {
    if (!asProblem(fault)) console.error(fault);
  }

  override render(): ReactNode {
    const { fault } = this.state;
    return fault === null ? this.props.children : <PageFault fault={fault} retry={() => this.setState({ fault: null })} />;
  }
}

function PageFault({ fault, retry }: { fault: unknown; retry: () => void }) {
  const t = useWords("shell");
  const problem = asProblem(fault);
  if (problem?.isMissing) return <NotFound />;
  if (problem?.isForbidden) return <Forbidden why={problem.detail} />;
  // A part of the build that is not served any more: the gateway was updated under the open page.
  const isOld = isOutOfReach(fault);
  return (
    <Notice
      icon="warn"
      tone="miss"
      title={t("fault.title")}
      isPage
      act={<Button onClick={isOld ? () => location.reload() : retry}>{t(isOld ? "fault.reload" : "fault.again")}</Button>}
    >
      {isOld ? t("fault.newer") : t("fault.text")}
    </Notice>
  );
}
