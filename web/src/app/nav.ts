/* The pages a person has, by his role and rights, in the order of the rail. */

import type { IconName } from "../parts/Icon";
import type { Right, Who } from "./session";

export type NavName =
  | "today" | "clients" | "calls" | "tasks" | "me" | "live" | "stats" | "users" | "numbers" | "routing" | "recording"
  | "fields" | "goals" | "hours" | "dialling" | "keys" | "webhooks" | "doctor" | "audit"
  | "handover"; // prettier-ignore
export type NavGroup = "manager" | "supervisor" | "admin";

export interface NavItem {
  readonly name: NavName;
  readonly path: string;
  readonly icon: IconName;
  /** Without one of these rights the page is not in the rail, and says so at its address. */
  readonly rights: readonly Right[];
  /** Letter after G. */
  readonly go: string;
}

export const PAGES: Readonly<Record<NavName, NavItem>> = {
  today: { name: "today", path: "/today", icon: "today", rights: ["tasks.read_own"], go: "KeyH" },
  clients: { name: "clients", path: "/clients", icon: "clients", rights: ["contacts.read"], go: "KeyC" },
  calls: { name: "calls", path: "/calls", icon: "list", rights: ["calls.read_own"], go: "KeyL" },
  tasks: { name: "tasks", path: "/tasks", icon: "task", rights: ["tasks.read_own"], go: "KeyT" },
  me: { name: "me", path: "/me", icon: "figures", rights: ["statistics.read_own"], go: "KeyM" },
  live: { name: "live", path: "/live", icon: "board", rights: ["states.read_all"], go: "KeyB" },
  stats: { name: "stats", path: "/stats", icon: "figures", rights: ["statistics.read_all"], go: "KeyS" },
  handover: { name: "handover", path: "/handover", icon: "transfer", rights: ["distribution.manage"], go: "KeyP" },
  users: { name: "users", path: "/admin/users", icon: "clients", rights: ["users.manage"], go: "KeyU" },
  numbers: { name: "numbers", path: "/admin/numbers", icon: "numbers", rights: ["extensions.manage"], go: "KeyN" },
  routing: { name: "routing", path: "/admin/routing", icon: "routing", rights: ["routing.manage"], go: "KeyR" },
  recording: { name: "recording", path: "/admin/recording", icon: "record", rights: ["routing.manage"], go: "KeyE" },
  fields: { name: "fields", path: "/admin/fields", icon: "note", rights: ["fields.manage"], go: "KeyF" },
  goals: { name: "goals", path: "/admin/goals", icon: "goal", rights: ["goals.manage"], go: "KeyO" },
  hours: { name: "hours", path: "/admin/hours", icon: "clock", rights: ["distribution.manage"], go: "KeyW" },
  dialling: { name: "dialling", path: "/admin/dialling", icon: "dialling", rights: ["dialling.read"], go: "KeyD" },
  keys: { name: "keys", path: "/admin/keys", icon: "key", rights: ["users.manage"], go: "KeyK" },
  webhooks: { name: "webhooks", path: "/admin/webhooks", icon: "webhook", rights: ["webhooks.manage"], go: "KeyJ" },
  doctor: { name: "doctor", path: "/admin/doctor", icon: "doctor", rights: ["doctor.read"], go: "KeyX" },
  audit: { name: "audit", path: "/admin/audit", icon: "audit", rights: ["audit.read"], go: "KeyA" },
};

const BY_ROLE: Readonly<Record<NavGroup, readonly NavName[]>> = {
  manager: ["today", "clients", "calls", "tasks", "me"],
  supervisor: ["live", "calls", "clients", "tasks", "stats", "handover", "goals"],
  admin: ["users", "numbers", "routing", "hours", "recording", "fields", "goals", "dialling", "keys", "webhooks", "doctor", "audit"],
}; // prettier-ignore

export interface NavPart {
  readonly group: NavGroup;
  readonly items: readonly NavItem[];
}

/** The rail of a person: one group, or for an administrator who also takes calls or leads several under each other. */
export function navOf(who: Pick<Who, "role" | "rights" | "user">): NavPart[] {
  const shown = new Set<NavName>();
  return groupsOf(who).flatMap((group) => {
    const names = BY_ROLE[group].filter((name) => !shown.has(name) && mayOpen(who, PAGES[name]));
    for (const name of names) shown.add(name);
    return names.length ? [{ group, items: names.map((name) => PAGES[name]) }] : [];
  });
}

function groupsOf(who: Pick<Who, "role" | "user">): NavGroup[] {
  const hasPhone = (who.user?.extensions.length ?? 0) > 0;
  if (who.role === "admin") return hasPhone ? ["manager", "supervisor", "admin"] : ["admin", "supervisor"];
  if (who.role === "supervisor") return hasPhone ? ["supervisor", "manager"] : ["supervisor"];
  return ["manager"];
}

/** Whether a person may open a page: he holds one of its rights. */
export function mayOpen(who: Pick<Who, "rights">, page: Pick<NavItem, "rights">): boolean {
  return page.rights.length === 0 || page.rights.some((right) => who.rights.includes(right));
}

/** Where somebody begins. */
export function homeOf(who: Pick<Who, "role" | "rights" | "user">): string {
  return navOf(who)[0]?.items[0]?.path ?? "/profile";
}
