/* The nonce that the gateway wrote into the page for styles which a library makes at run time (the player's). */

/** The page's nonce; empty where the page has none. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}
