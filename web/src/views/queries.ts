/* Lists kept under a name: one's own, and those of one's teams. */

import { api, body, done, keys, once, useAct, useQuery, useQueryClient, type Schemas } from "../api";
import { useTellFault, useToast } from "../parts";
import { useWords } from "../words";
import { filtersOf, type ListName } from "./views";

export type View = Schemas["SavedViewView"];

const LISTS = keys.view("profile", "views");

/** The views of every list, mine first. */
export function useViews(enabled = true) {
  return useQuery({ queryKey: LISTS, enabled, queryFn: () => body(api.GET("/api/v1/views")) });
}

interface Wanted {
  readonly list: ListName;
  readonly name: string;
  readonly filters: Readonly<Record<string, string>>;
  readonly team: number | null;
}

const make = ({ list, name, filters, team }: Wanted, key: string) =>
  body(api.POST("/api/v1/views", { params: { header: once(key) }, body: { list, name, query: { filters: { ...filters } }, team } }));

const drop = (view: number) => done(api.DELETE("/api/v1/views/{view_id}", { params: { path: { view_id: view } } }));

/** Read the views anew. */
function useAgain() {
  const cache = useQueryClient();
  return () => cache.invalidateQueries({ queryKey: LISTS });
}

/** Keep the present filters under a name, with Undo. */
export function useKeep(onDone: (view: View) => void) {
  const t = useWords("views");
  const toast = useToast();
  const again = useAgain();
  return useAct(make, {
    onDone: (view) => {
      void again();
      onDone(view);
      toast({ text: t("kept", { name: view.name }), icon: "bookmark", undo: () => drop(view.id).then(again) });
    },
    onFault: useTellFault(),
  });
}

/** Give a view another name or other filters, with Undo. */
export function useChangeView(onDone: () => void) {
  const t = useWords("views");
  const toast = useToast();
  const again = useAgain();
  const change = async (view: View, some: { name?: string; filters?: Readonly<Record<string, string>> }, version: number) => {
    const query = some.filters ? { query: { filters: { ...some.filters } } } : {};
    const given = { version, ...(some.name ? { name: some.name } : {}), ...query };
    const changed = await body(api.PATCH("/api/v1/views/{view_id}", { params: { path: { view_id: view.id } }, body: given }));
    await again();
    return changed;
  };
  return useAct(
    ({ view, ...some }: { view: View; name?: string; filters?: Readonly<Record<string, string>> }) => change(view, some, view.version),
    {
      onDone: (changed, { view }) => {
        onDone();
        const undo = () => change(view, { name: view.name, filters: filtersOf(view.query) }, changed.version);
        toast({ text: t("changed", { name: changed.name }), icon: "bookmark", undo });
      },
      onFault: useTellFault(),
    },
  );
}

/** Forget a view; Undo keeps it again. */
export function useDropView() {
  const t = useWords("views");
  const toast = useToast();
  const again = useAgain();
  return useAct((view: View) => drop(view.id), {
    onDone: (_, view) => {
      void again();
      const { name, team, list } = view;
      const undo = () => make({ list: list as ListName, name, team, filters: filtersOf(view.query) }, crypto.randomUUID()).then(again);
      toast({ text: t("dropped", { name }), icon: "trash", undo });
    },
    onFault: useTellFault(),
  });
}

/** Teams whose views one may make: those one heads, and all of them for who leads. */
export function useOwnTeams(me: number | null, leads: boolean, enabled: boolean) {
  const teams = useQuery({ queryKey: keys.view("teams", "all"), enabled, queryFn: () => body(api.GET("/api/v1/teams")) });
  return (teams.data?.items ?? []).filter((team) => !team.archived && (leads || (me !== null && team.head === me)));
}
