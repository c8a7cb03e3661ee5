/* The typed client of the HTTP API. Answers that are no success are thrown as `ApiProblem`; a session that is over makes
   the request wait for a new sign-in. Types come from schema.ts, which is made from the gateway's OpenAPI document. */

import createClient from "openapi-fetch";
import { gate } from "./gate";
import { ApiProblem, problemOf } from "./problem";
import type { components, paths } from "./schema";
import { language } from "../words";

export type Schemas = components["schemas"];

const SESSION = "/api/v1/session";

/** Ask the gateway; never an answer that is no success. */
async function send(request: Request): Promise<Response> {
  request.headers.set("Accept-Language", language());
  const [begun, repeated] = [request, request.clone()];
  const response = await fetch(begun).catch((fault: unknown) => {
    if (request.signal.aborted) throw fault;
    throw new ApiProblem(0);
  });
  if (response.ok) return response;
  if (response.status === 401 && new URL(request.url).pathname !== SESSION) {
    await gate.wait();
    return send(repeated);
  }
  throw await problemOf(response);
}

/** `api.GET("/api/v1/calls/{call_id}", {params: {path: {call_id}}})`; take its body with `body`. */
export const api = createClient<paths>({
  baseUrl: location.origin,
  fetch: send,
  headers: { "X-CSRF": "1" },
  querySerializer: { array: { style: "form", explode: true } },
});

/** The body of an answer: `await body(api.GET(...))`. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<NonNullable<T>> {
  const { data } = await answer;
  if (data === undefined || data === null) throw new ApiProblem(204);
  return data;
}

/** Wait for an answer that has no body. */
export async function done(answer: Promise<unknown>): Promise<void> {
  await answer;
}

/** A new key for one act; a repeated request keeps it. */
export function newKey(): string {
  return crypto.randomUUID();
}

/** The headers of an act: `params: {header: once(key)}`. */
export function once(key: string): { "Idempotency-Key": string } {
  return { "Idempotency-Key": key };
}

/** The header that names the version a change was made from: `params: {header: ifMatch(version)}`. */
export function ifMatch(version: number): { "If-Match": string } {
  return { "If-Match": `"${version}"` };
}
