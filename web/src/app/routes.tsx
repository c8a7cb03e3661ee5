/* Every address of the workplace. A page's code and its words come together, when it is opened first. */

import { lazy, useState, type ComponentType } from "react";
import { BrowserRouter, matchPath, Navigate, Route, Routes, useParams } from "react-router";
import { loadWords, type Words } from "../words";
import { Frame } from "./Frame";
import { homeOf, PAGES, type NavItem } from "./nav";
import { NotFound } from "./NotFound";
import { PagePlace } from "./PagePlace";
import { useSession, type Who } from "./session";

interface PageModule {
  default: ComponentType;
}

interface Address {
  readonly path: string;
  readonly Page: ComponentType;
  readonly rights: NavItem["rights"];
  /** Begin to load it; resolves when it can be drawn at once. */
  readonly fetch: () => Promise<void>;
}

/** @param words of the page, and of parts that stand on it at once: what is loaded while it is drawn would draw it twice */
function page(path: string, words: Words | readonly Words[], load: () => Promise<PageModule>, item?: NavItem): Address {
  let loaded: ComponentType | undefined;
  const fetch = async () => {
    const wanted = typeof words === "string" ? [words] : words;
    const [module] = await Promise.all([load(), ...wanted.map(loadWords)]);
    loaded = module.default;
    return module;
  };
  const Late = lazy(fetch);
  // What is there already is drawn as it is: a part that React waits for, were it for no time, stands 300 ms later.
  function Page() {
    const [Found] = useState(() => loaded ?? Late);
    return <Found />;
  }
  return { path, Page, rights: item?.rights ?? [], fetch: () => fetch().then(() => {}) };
}

/** A page of one thing is another page for another thing. */
function keyed(load: () => Promise<PageModule>): () => Promise<PageModule> {
  return async () => {
    const { default: Page } = await load();
    return {
      default: function ById() {
        return <Page key={useParams()["id"]} />;
      },
    };
  };
}

const ADDRESSES: readonly Address[] = [
  page("today", "today", () => import("../today"), PAGES.today),
  page("clients", ["clients", "views"], () => import("../clients"), PAGES.clients),
  page("clients/import", ["imports", "clients"], () => import("../clients/import"), { ...PAGES.clients, rights: ["contacts.import"] }),
  page("clients/duplicates", "duplicates", () => import("../clients/duplicates"), { ...PAGES.clients, rights: ["contacts.merge"] }),
  page("clients/:id", ["clients", "calls", "wrapup"], keyed(() => import("../clients/card")), PAGES.clients),
  page("organisations/:id", "organisations", keyed(() => import("../organisations")), PAGES.clients),
  page("calls", ["calls", "views"], () => import("../calls"), PAGES.calls),
  page("calls/:id", "player", keyed(() => import("../player")), PAGES.calls),
  page("tasks", ["tasks", "views"], () => import("../tasks"), PAGES.tasks),
  page("me", "figures", () => import("../figures"), PAGES.me),
  page("live", "live", () => import("../live"), PAGES.live),
  page("stats", "statistics", () => import("../statistics"), PAGES.stats),
  page("handover", "handover", () => import("../handover"), PAGES.handover),
  page("profile", "profile", () => import("../profile")),
  page("phone", "softphone", () => import("../softphone")),
  page("admin/users", "users", () => import("../admin/users"), PAGES.users),
  page("admin/numbers", "numbers", () => import("../admin/numbers"), PAGES.numbers),
  page("admin/routing", "routing", () => import("../admin/routing"), PAGES.routing),
  page("admin/routing/:did", "routing", () => import("../admin/routing"), PAGES.routing),
  page("admin/recording", "recording", () => import("../admin/recording"), PAGES.recording),
  page("admin/fields", "fields", () => import("../admin/fields"), PAGES.fields),
  page("admin/goals", "goals", () => import("../admin/goals"), PAGES.goals),
  page("admin/hours", "hours", () => import("../admin/hours"), PAGES.hours),
  page("admin/dialling", "dialling", () => import("../admin/dialling"), PAGES.dialling),
  page("admin/keys", "keys", () => import("../admin/keys"), PAGES.keys),
  page("admin/webhooks", "webhooks", () => import("../admin/webhooks"), PAGES.webhooks),
  page("admin/doctor", "doctor", () => import("../admin/doctor"), PAGES.doctor),
  page("admin/audit", "audit", () => import("../admin/audit"), PAGES.audit),
];

/** Load the page that somebody sees first; resolves also where that fails. */
export function loadFirst(who: Who): Promise<void> {
  return fetchEarly(location.pathname === "/" ? homeOf(who) : location.pathname);
}

/** Load the page of an address, while it is not known yet who asks; resolves also where that fails. */
export async function fetchEarly(pathname: string): Promise<void> {
  const found = ADDRESSES.find(({ path }) => matchPath(`/${path}`, pathname));
  // Whoever draws it tries again, and is told of its fault.
  await found?.fetch().catch(() => {});
}

function Home() {
  return <Navigate to={homeOf(useSession().who)} replace />;
}

export function Pages() {
  return (
    <BrowserRouter>
      <Routes>
        <Route element={<Frame />}>
          <Route index element={<Home />} />
          {ADDRESSES.map(({ path, Page, rights }) => (
            <Route
              key={path}
              path={path}
              element={
                <PagePlace rights={rights}>
                  <Page />
                </PagePlace>
              }
            />
          ))}
          <Route path="*" element={<NotFound />} />
        </Route>
      </Routes>
    </BrowserRouter>
  );
}
