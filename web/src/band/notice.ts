/* A notice of the computer while a call rings and the page is not in front: another window, another tab, another space. */

/** Whether the browser shows notices of this site; `none`: it has none (a plain http address, most phones). */
export type Permission = "granted" | "denied" | "default" | "none";

const isThere = (): boolean => typeof Notification !== "undefined" && isSecureContext;

export function permission(): Permission {
  return isThere() ? Notification.permission : "none";
}

/** Ask the person, where the browser has not asked yet; only a click may do it. */
export async function askPermission(): Promise<Permission> {
  return isThere() ? await Notification.requestPermission() : "none";
}

/** Show a notice as long as the page is not in front, until the given function is called.
 * @param title who calls
 * @param text what more is known of him; text, never markup
 * @param tag a second notice of the same takes the place of the first
 */
export function notify(title: string, text: string, tag: string): () => void {
  let shown: Notification | null = null;
  const close = () => {
    shown?.close();
    shown = null;
  };
  const look = () => {
    const isAway = document.hidden || !document.hasFocus();
    if (!isAway) close();
    else if (shown === null && permission() === "granted") shown = made(title, text, tag);
  };
  look();
  const changes = ["focus", "blur"] as const;
  for (const change of changes) addEventListener(change, look);
  document.addEventListener("visibilitychange", look);
  return () => {
    close();
    for (const change of changes) removeEventListener(change, look);
    document.removeEventListener("visibilitychange", look);
  };
}

function made(title: string, body: string, tag: string): Notification | null {
  let notice: Notification;
  try {
    notice = new Notification(title, { body, tag, icon: "/static/logo.svg", requireInteraction: true, silent: true });
  } catch (fault) {
    // Browsers of phones allow notices to a service worker alone, and say so here first.
    if (fault instanceof TypeError) return null;
    throw fault;
  }
  notice.onclick = () => {
    window.focus();
    notice.close();
  };
  return notice;
}
