/* Routes of our numbers, their groups and versions. Every change can be undone: the version before holds again. */

import { api, body, ifMatch, keys, once, useAct, useQuery, useQueryClient, type Schemas } from "../../api";
import { useColleagues } from "../../app/colleagues";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";

export type Route = Schemas["RouteView"];
export type Step = Route["steps"][number];
export type StepKind = Step["kind"];
export type Group = Schemas["RingGroupView"];
export type Strategy = Group["strategy"];
export type Change = Omit<Schemas["RouteChange"], "version">;
export type Trial = Schemas["RouteTrialView"];

export function useRoutes() {
  return useQuery({ queryKey: keys.view("routing", "routes"), queryFn: () => body(api.GET("/api/v1/inbound-routes")) });
}

export function useNumbers() {
  return useQuery({ queryKey: keys.view("routing", "numbers"), queryFn: () => body(api.GET("/api/v1/numbers")) });
}

export function useGroups() {
  return useQuery({ queryKey: keys.view("routing", "groups"), queryFn: () => body(api.GET("/api/v1/routing-groups")) });
}

/** What came through a route in these days. */
export function useFigures(id: number, days: { since: string; until: string }) {
  return useQuery({
    queryKey: keys.view("calls", "route", id, days),
    queryFn: () =>
      body(
        api.GET("/api/v1/inbound-routes/{inbound_route_id}/figures", {
          params: { path: { inbound_route_id: id }, query: { period: "dates", ...days } },
        }),
      ),
  });
}

/** What a step is called, by its name in figures: `group:3`, `owner`. */
export function useStepNames(): (step: string) => string {
  const t = useWords("routing");
  const groups = useGroups().data?.items ?? [];
  const people = useColleagues().data?.items ?? [];
  return (step) => {
    const [kind, id] = step.split(":");
    if (kind === "group") return groups.find((one) => one.id === Number(id))?.name ?? t("kind.group");
    if (kind === "manager") return people.find((one) => one.id === Number(id))?.name ?? t("kind.manager");
    return t(`kind.${kind}` as "kind.owner");
  };
}

export function usePolicy() {
  return useQuery({ queryKey: keys.view("routing", "policy"), queryFn: () => body(api.GET("/api/v1/routing-policy")) });
}

export function useHours() {
  return useQuery({ queryKey: keys.view("hours", "all"), queryFn: () => body(api.GET("/api/v1/working-hours")) });
}

export function useVersions(route: Route) {
  return useQuery({
    queryKey: keys.view("routing", "versions", route.id, route.version),
    queryFn: () => body(api.GET("/api/v1/inbound-routes/{inbound_route_id}/versions", { params: { path: { inbound_route_id: route.id }, query: { limit: 20 } } })),
  });
}

function useAgain() {
  const cache = useQueryClient();
  return () => cache.invalidateQueries({ queryKey: keys.all("routing") });
}

/** Let an earlier version hold again. */
function useRestoring() {
  const again = useAgain();
  return async (id: number, version: number, to: number, key: string) => {
    const params = { path: { inbound_route_id: id }, header: once(key) };
    const restored = await body(api.POST("/api/v1/inbound-routes/{inbound_route_id}/restore", { params, body: { version, to } }));
    await again();
    return restored;
  };
}

export function useChangeRoute() {
  const t = useWords("routing");
  const toast = useToast();
  const again = useAgain();
  const restore = useRestoring();
  return useAct(
    async ({ route, change }: { route: Route; change: Change }) => {
      const params = { path: { inbound_route_id: route.id }, header: ifMatch(route.version) };
      const changed = await body(api.PATCH("/api/v1/inbound-routes/{inbound_route_id}", { params, body: { ...change, version: route.version } }));
      await again();
      return changed;
    },
    {
      onDone: (changed, { route }) =>
        toast({ text: t("changed", { name: changed.name }), icon: "check", undo: () => restore(route.id, changed.version, route.version, crypto.randomUUID()) }),
      onFault: useTellFault(),
    },
  );
}

export function useRestore() {
  const t = useWords("routing");
  const toast = useToast();
  const restore = useRestoring();
  return useAct(({ route, to }: { route: Route; to: number }, key) => restore(route.id, route.version, to, key), {
    onDone: (changed, { route, to }) =>
      toast({ text: t("restored", { version: to }), icon: "undo", undo: () => restore(route.id, changed.version, route.version, crypto.randomUUID()) }),
    onFault: useTellFault(),
  });
}

export function useMakeRoute(onMade: (route: Route) => void) {
  const again = useAgain();
  return useAct((route: Schemas["NewRoute"], key) => body(api.POST("/api/v1/inbound-routes", { params: { header: once(key) }, body: route })), {
    onDone: (made) => void again().then(() => onMade(made)),
  });
}

export type GroupBody = Pick<Group, "name" | "strategy"> & { members: number[] };

export function useMakeGroup(onMade: (group: Group) => void) {
  const again = useAgain();
  return useAct((group: GroupBody, key) => body(api.POST("/api/v1/routing-groups", { params: { header: once(key) }, body: group })), {
    onDone: (made) => void again().then(() => onMade(made)),
  });
}

/** Change a group, or archive it; what went wrong stands in the form. */
export function useChangeGroup(onDone?: (group: Group) => void) {
  const t = useWords("routing");
  const toast = useToast();
  const again = useAgain();
  const set = async (id: number, change: Partial<GroupBody> & { archived?: boolean }, version: number) => {
    const changed = await body(api.PATCH("/api/v1/routing-groups/{routing_group_id}", { params: { path: { routing_group_id: id } }, body: { ...change, version } }));
    await again();
    return changed;
  };
  return useAct(({ group, change }: { group: Group; change: Partial<GroupBody> & { archived?: boolean } }) => set(group.id, change, group.version), {
    onDone: (changed, { group, change }) => {
      const before = { name: group.name, strategy: group.strategy, members: [...group.members], archived: group.archived };
      toast({ text: t(change.archived ? "group.gone" : "changed", { name: changed.name }), icon: "check", undo: () => set(group.id, before, changed.version) });
      onDone?.(changed);
    },
  });
}

export function useSetStrategy() {
  const t = useWords("routing");
  const toast = useToast();
  const again = useAgain();
  const set = async (group: Group, strategy: Strategy, version: number) => {
    const params = { path: { routing_group_id: group.id } };
    const changed = await body(api.PATCH("/api/v1/routing-groups/{routing_group_id}", { params, body: { strategy, version } }));
    await again();
    return changed;
  };
  return useAct(({ group, strategy }: { group: Group; strategy: Strategy }) => set(group, strategy, group.version), {
    onDone: (changed, { group }) => toast({ text: t("changed", { name: group.name }), icon: "check", undo: () => set(group, group.strategy, changed.version) }),
    onFault: useTellFault(),
  });
}

export function useTry() {
  return useAct((trial: Schemas["RouteTrial"], key) => body(api.POST("/api/v1/inbound-routes/try", { params: { header: once(key) }, body: trial })));
}
