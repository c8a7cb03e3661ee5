/* What a query gave, in each of its states: loading, failed (with Try again, also while it is being tried), empty, there. */

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { asProblem } from "../api";
import { Failed } from "./Failed";
import { SkeletonRows } from "./Skeleton";

export interface ShownProps<T> {
  query: Pick<UseQueryResult<T>, "data" | "error" | "failureReason" | "failureCount" | "refetch">;
  /** Draws what there is. */
  children: (data: NonNullable<T>) => ReactNode;
  /** In its place while it loads; else six rows. */
  skeleton?: ReactNode;
  /** In its place where `isEmpty` says so. */
  empty?: ReactNode;
  isEmpty?: (data: NonNullable<T>) => boolean;
  isPage?: boolean;
}

export function Shown<T>({ query, children, skeleton, empty, isEmpty, isPage }: ShownProps<T>) {
  const { data } = query;
  if (data !== undefined && data !== null) {
    return empty !== undefined && isEmpty?.(data) ? empty : children(data);
  }
  const fault = query.error ?? (query.failureCount > 1 ? query.failureReason : null);
  if (fault) {
    const problem = asProblem(fault);
    if (problem?.isForbidden || (problem?.isMissing && isPage)) throw fault;
    return <Failed problem={problem} retry={() => void query.refetch()} isPage={isPage ?? false} />;
  }
  return skeleton ?? <SkeletonRows />;
}
