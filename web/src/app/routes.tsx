/* Every address of the workplace. A page's code and its words come together, when it is opened first. */

import { Suspense, type ComponentType } from "react";
import { createBrowserRouter, Navigate, useParams, type RouteObject } from "react-router";
import { loadWords, type Words } from "../words";
import { PageFault } from "./PageFault";
import { Frame } from "./Frame";
import { NotFound } from "./NotFound";
import { Guarded } from "./Forbidden";
import { PAGES, homeOf, type NavItem } from "./nav";
import { useSession } from "./session";

type PageModule = { default: ComponentType };

function page(path: string, words: Words, load: () => Promise<PageModule>, item?: Pick<NavItem, "rights">): RouteObject {
  return {
    path,
    errorElement: <PageFault />,
    lazy: async () => {
      const [{ default: Page }] = await Promise.all([load(), loadWords(words)]);
      const Component = () => (
        <Guarded rights={item?.rights ?? []}>
          <Suspense>
            <Page />
          </Suspense>
        </Guarded>
      );
      return { Component };
    },
  };
}

function Home() {
  return <Navigate to={homeOf(useSession().who)} replace />;
}

/** `/calls/:id` is drawn anew for another call. */
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

export const ROUTES: RouteObject[] = [
  {
    path: "/",
    element: <Frame />,
    errorElement: <PageFault />,
    hydrateFallbackElement: <></>,
    children: [
      { index: true, element: <Home /> },
      page("today", "today", () => import("../today"), PAGES.today),
      page("clients", "clients", () => import("../clients"), PAGES.clients),
      page("clients/:id", "clients", keyed(() => import("../clients/card")), PAGES.clients),
      page("organisations/:id", "organisations", keyed(() => import("../organisations")), PAGES.clients),
      page("calls", "calls", () => import("../calls"), PAGES.calls),
      page("calls/:id", "player", keyed(() => import("../player")), PAGES.calls),
      page("tasks", "tasks", () => import("../tasks"), PAGES.tasks),
      page("me", "figures", () => import("../figures"), PAGES.me),
      page("live", "live", () => import("../live"), PAGES.live),
      page("stats", "statistics", () => import("../statistics"), PAGES.stats),
      page("profile", "profile", () => import("../profile")),
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
      { path: "*", element: <NotFound /> },
    ],
  },
];

export const makeRouter = () => createBrowserRouter(ROUTES);
