/* The way to the gateway's HTTP API: same origin, session cookie, one error class for every problem document. */

const PREFIX = "/api/v1";
const CSRF = { "X-CSRF": "1" };
const PATIENCE_MS = 20000;

/** What the gateway refused, or that it could not be reached (`status` 0). */
export class Problem extends Error {
  constructor(status, document = {}) {
    super(document.detail ?? "");
    this.status = status;
    this.slug = String(document.type ?? "")
      .split("/")
      .pop();
    this.faults = document.errors ?? [];
  }

  get away() {
    return this.status === 0 || this.status >= 500;
  }
}

let skew = 0;
let signedOut = () => {};

/** Milliseconds since 1970 by the gateway's clock, as far as we know it. */
export function now() {
  return Date.now() + skew;
}

/** Be told when a request finds that nobody is signed in any more. */
export function onSignedOut(listener) {
  signedOut = listener;
}

/** Ask the API.
 * @param {string} path below /api/v1
 * @param {{method?: string, query?: object, body?: object, headers?: object, signal?: AbortSignal, as?: string}} how
 *   query: undefined, null and "" are left out; as: "json" (default) or "bytes"
 * @returns the answer's JSON, its bytes, or null for none
 * @throws {Problem}
 */
export async function api(path, { method = "GET", query, body, headers, signal, as = "json" } = {}) {
  const response = await sent(address(path, query), {
    method,
    signal: signal ? AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) : AbortSignal.timeout(PATIENCE_MS),
    credentials: "same-origin",
    headers: {
      ...(method === "GET" ? {} : CSRF),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  learnClock(response);
  if (response.status === 204) return null;
  if (response.ok) return as === "bytes" ? response.arrayBuffer() : response.json();
  const problem = new Problem(response.status, await response.json().catch(() => ({})));
  if (response.status === 401 && path !== "/session") signedOut();
  throw problem;
}

/** The address of a path of the API. */
export function address(path, query = {}) {
  const asked = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return PREFIX + path + (asked.length ? "?" + new URLSearchParams(asked) : "");
}

async function sent(url, request) {
  try {
    return await fetch(url, request);
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Problem(0);
  }
}

function learnClock(response) {
  const told = Date.parse(response.headers.get("Date") ?? "");
  const off = told + 500 - Date.now();
  skew = Number.isFinite(off) && Math.abs(off) > 2000 ? off : 0;
}

/** A key that no other request has; also where the page is not served by https. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
