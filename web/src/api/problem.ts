/* What went wrong with a request, in one shape: a problem document of the gateway (RFC 9457), or no answer at all. */

import type { components } from "./schema";

type Problem = components["schemas"]["Problem"];
export type FieldFault = components["schemas"]["FieldFault"];

/** A request that was not done. `detail` is a sentence for people in the gateway's words. */
export class ApiProblem extends Error {
  /** HTTP status; 0: no answer came (no connection). */
  readonly status: number;
  /** Last part of the problem's `type`, such as `invalid-request`; empty without one. */
  readonly slug: string;
  readonly detail: string;
  readonly errors: readonly FieldFault[];
  /** Seconds after which to try again, where the gateway said so. */
  readonly retryAfter: number | null;

  constructor(status: number, problem: Partial<Problem> = {}, retryAfter: number | null = null) {
    super(problem.detail ?? `no answer (${status})`);
    this.name = "ApiProblem";
    this.status = status;
    this.slug = problem.type?.split("/").at(-1) ?? "";
    this.detail = problem.detail ?? "";
    this.errors = problem.errors ?? [];
    this.retryAfter = retryAfter;
  }

  /** No connection, or a gateway that starts, stops or is overloaded: the same request may work in a moment. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || (this.status >= 502 && this.status <= 504);
  }

  /** Perhaps somebody else changed the thing first: its version tells, once it is read anew. */
  get isStale(): boolean {
    return this.status === 412 || (this.status === 409 && this.slug === "conflict");
  }

  get isForbidden(): boolean {
    return this.status === 403;
  }

  get isMissing(): boolean {
    return this.status === 404;
  }

  /** What is wrong with one value of the body, such as `name` or `phones/0/number`; null: nothing. */
  field(name: string): string | null {
    return this.errors.find((fault) => fault.pointer === `#/${name}`)?.detail ?? null;
  }

  /** The same of a value or of any part of it: `sounds` for `sounds/3`. */
  within(name: string): string | null {
    return this.field(name) ?? this.errors.find((fault) => fault.pointer.startsWith(`#/${name}/`))?.detail ?? null;
  }
}

/** The problem of an answer that is no success. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const after = Number(response.headers.get("Retry-After"));
  const wait = Number.isFinite(after) && after > 0 ? after : null;
  const json: unknown = await response.json().catch(() => ({}));
  return new ApiProblem(response.status, json !== null && typeof json === "object" ? json : {}, wait);
}

/** Anything thrown as an ApiProblem; what is none counts as a fault of the page and is thrown on. */
export function asProblem(fault: unknown): ApiProblem | null {
  return fault instanceof ApiProblem ? fault : null;
}
