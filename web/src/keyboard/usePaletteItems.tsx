/* What the palette offers for what was typed: a number to dial, clients, organisations, words in calls, pages, acts. */

import { useDeferredValue } from "react";
import { useNavigate } from "react-router";
import { api, body, keys, useQuery } from "../api";
import { navOf } from "../app/nav";
import { useSession } from "../app/session";
import { dialable, tame, useFormats } from "../formats";
import { useDial } from "../parts/dialling";
import type { IconName } from "../parts/Icon";
import { addressOf } from "../views/views";
import { useWords } from "../words";
import { useActsInForce, useDispatcher } from ".";
import { type Act } from "./keymap";
import { fits } from "./matching";

export interface PaletteItem {
  readonly id: string;
  readonly group: "dial" | "clients" | "organisations" | "calls" | "pages" | "acts";
  readonly icon: IconName;
  readonly title: string;
  readonly sub?: string;
  /** The act whose keys are shown. */
  readonly act?: Act;
  readonly run: () => void;
  /** Calls, with Ctrl+Enter. */
  readonly call?: (() => void) | undefined;
}

/** Acts that mean nothing from here. */
const UNSAID: ReadonlySet<Act> = new Set(["palette", "leave", "list.next", "list.previous", "list.open", "list.select"]);
const SHORTEST = 2;
const MOST = 6;

export function usePaletteItems(typed: string): { items: readonly PaletteItem[]; isSearching: boolean } {
  const text = useDeferredValue(typed.trim());
  const found = useFound(text);
  const pages = usePages(text);
  const views = useViewItems(text);
  const acts = useActs(text);
  const dial = useNumber(text);
  return { items: [...dial, ...found.items, ...pages, ...views, ...acts], isSearching: found.isSearching || text !== typed.trim() };
}

function useNumber(text: string): PaletteItem[] {
  const t = useWords("shell");
  const f = useFormats();
  const dial = useDial();
  const number = dialable(text);
  if (!dial || number === null || number.length < 3) return [];
  return [{ id: "dial", group: "dial", icon: "phone", title: t("palette.dial", { number: f.phone(number) }), run: () => dial({ number }) }];
}

function usePages(text: string): PaletteItem[] {
  const t = useWords("shell");
  const navigate = useNavigate();
  const { who } = useSession();
  const pages = navOf(who).flatMap((part) => part.items);
  const items = pages.map((page) => ({ path: page.path, icon: page.icon, title: t(`nav.${page.name}`) }));
  const all = [...items, { path: "/profile", icon: "person" as const, title: t("nav.profile") }];
  return all
    .filter((item) => fits(text, item.title))
    .map(({ path, icon, title }) => ({ id: path, group: "pages", icon, title, run: () => void navigate(path) }));
}

/** Lists that were kept under a name. */
function useViewItems(text: string): PaletteItem[] {
  const t = useWords("shell");
  const navigate = useNavigate();
  const views = useQuery({
    queryKey: keys.view("profile", "views"),
    enabled: text.length >= SHORTEST,
    queryFn: () => body(api.GET("/api/v1/views")),
  });
  return (views.data?.items ?? []).flatMap((view): PaletteItem[] => {
    const address = fits(text, view.name) ? addressOf(view) : null;
    if (address === null) return [];
    return [{ id: `view/${view.id}`, group: "pages", icon: "bookmark", title: view.name, sub: view.team_name ?? t("palette.view"), run: () => void navigate(address) }];
  });
}

function useActs(text: string): PaletteItem[] {
  const t = useWords("shell");
  const dispatcher = useDispatcher();
  return useActsInForce()
    .filter((act) => !UNSAID.has(act))
    .map((act) => ({ act, title: t(`act.${act}`) }))
    .filter(({ title }) => fits(text, title))
    .map(({ act, title }) => ({ id: act, group: "acts", icon: "keyboard", title, act, run: () => dispatcher.run(act) }));
}

function useFound(text: string): { items: PaletteItem[]; isSearching: boolean } {
  const navigate = useNavigate();
  const dial = useDial();
  const f = useFormats();
  const { may } = useSession();
  const isWanted = text.length >= SHORTEST && may("contacts.read");
  const query = useQuery({
    queryKey: keys.view("search", text),
    queryFn: ({ signal }) => body(api.GET("/api/v1/search", { params: { query: { q: text.slice(0, 100), limit: MOST } }, signal })),
    enabled: isWanted,
    staleTime: 10_000,
    placeholderData: (old) => old,
  });
  const found = isWanted ? query.data : undefined;
  if (!found) return { items: [], isSearching: isWanted && query.isFetching };
  const contacts = found.contacts.map((card): PaletteItem => {
    const number = card.numbers[0];
    return {
      id: `contact/${card.id}`,
      group: "clients",
      icon: "person",
      title: f.client(card.name, number),
      sub: [tame(card.organisation_name), f.phone(number), card.city].filter(Boolean).join(" · "),
      run: () => void navigate(`/clients/${card.id}`),
      call: number && dial ? () => dial({ number, contact: card.id }) : undefined,
    };
  });
  const organisations = found.organisations.map((one): PaletteItem => ({
    id: `organisation/${one.id}`,
    group: "organisations",
    icon: "building",
    title: tame(one.name),
    sub: one.city,
    run: () => void navigate(`/organisations/${one.id}`),
  }));
  const calls = found.calls.map((call): PaletteItem => ({
    id: `call/${call.id}`,
    group: "calls",
    icon: call.direction === "outbound" ? "outgoing" : "incoming",
    title: f.client(call.contact_name ?? call.client.name, call.client.number),
    sub: [f.moment(call.started_at), f.duration(call.talk_seconds)].join(" · "),
    run: () => void navigate(`/calls/${call.id}?q=${encodeURIComponent(text)}`),
  }));
  return { items: [...contacts, ...organisations, ...calls], isSearching: query.isFetching };
}
