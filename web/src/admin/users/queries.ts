/* The people who sign in: reading, entering, changing; what can be undone says so. */

import { api, asProblem, body, done, keys, once, useAct, usePages, useQuery, useQueryClient, type Schemas } from "../../api";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";

export type User = Schemas["UserView"];
export type Extension = Schemas["ExtensionView"];
export type Team = Schemas["TeamView"];
export type Change = Omit<Schemas["UserChange"], "version">;

/** PBX name of the gateway's own exchange. */
export const OWN = "embedded";

const USERS = keys.list("users", "all");
const read = async () => ({ ...(await body(api.GET("/api/v1/users"))), next: null });

export function useUsers() {
  return usePages(USERS, read);
}

export function useTeams() {
  return useQuery({ queryKey: keys.view("teams", "all"), queryFn: () => body(api.GET("/api/v1/teams")) });
}

/** Names of the PBXs that extensions may be of. */
export function usePbxs(people: readonly User[]): string[] {
  const found = useQuery({ queryKey: keys.view("doctor", "pbx"), queryFn: () => body(api.GET("/api/v1/doctor")) });
  const exchange = useQuery({ queryKey: keys.view("doctor", "exchange"), queryFn: () => body(api.GET("/api/v1/exchange")) });
  const own = exchange.data?.has_exchange ? [OWN] : [];
  return [...new Set([...own, ...(found.data?.items ?? []).map(({ pbx }) => pbx), ...people.flatMap((user) => user.extensions.map(({ pbx }) => pbx))])];
}

function useAgain() {
  const cache = useQueryClient();
  return () => Promise.all([cache.invalidateQueries({ queryKey: keys.all("users") }), cache.invalidateQueries({ queryKey: keys.all("teams") })]);
}

export function useMakeUser(onMade: (user: User, password: string) => void) {
  const again = useAgain();
  return useAct((user: Schemas["NewUser"], key) => body(api.POST("/api/v1/users", { params: { header: once(key) }, body: user })), {
    onDone: (made, { password }) => {
      void again();
      onMade(made, password ?? "");
    },
  });
}

/** Change a person, with Undo. What is refused stands at its field; somebody else's change is told and read. */
export function useChangeUser() {
  const toast = useToast();
  const again = useAgain();
  const tell = useTellFault();
  const send = async (id: number, change: Schemas["UserChange"]) => {
    const changed = await body(api.PATCH("/api/v1/users/{user_id}", { params: { path: { user_id: id } }, body: change }));
    await again();
    return changed;
  };
  return useAct(({ user, change }: { user: User; change: Change; before: Change; said: string }) => send(user.id, { ...change, version: user.version }), {
    onDone: (changed, { before, said }) =>
      toast({ text: said, icon: "check", undo: () => send(changed.id, { ...before, version: changed.version }) }),
    onFault: (fault) => {
      const problem = asProblem(fault);
      if (!problem || problem.isStale || problem.isPassing) tell(fault);
    },
  });
}

/** Give him another password; his sessions end, so there is no way back. */
export function useSetPassword(onDone: (password: string) => void) {
  return useAct(
    ({ id, password }: { id: number; password: string }) =>
      body(api.PATCH("/api/v1/users/{user_id}", { params: { path: { user_id: id } }, body: { password } })),
    { onDone: (_, { password }) => onDone(password), onFault: useTellFault() },
  );
}

type Given = Pick<Extension, "pbx" | "extension" | "endpoints"> & Partial<Extension>;
type Place = Pick<Extension, "pbx" | "extension">;

const setEndpoints = (id: number, { pbx, extension }: Place, endpoints: string[]) =>
  body(api.PUT("/api/v1/users/{user_id}/extensions/{pbx}/{extension}", { params: { path: { user_id: id, pbx, extension } }, body: { endpoints } }));

const setNumber = (id: number, { pbx, extension }: Place, number: string | null) =>
  body(api.PUT("/api/v1/users/{user_id}/extensions/{pbx}/{extension}/caller-id", { params: { path: { user_id: id, pbx, extension } }, body: { number } }));

/** Change where an extension rings, and what clients see; each with Undo. What is refused stands at its field. */
export function useWays({ onChanged, onShown }: { onChanged: () => void; onShown: () => void }) {
  const t = useWords("users");
  const toast = useToast();
  const again = useAgain();
  const told = (extension: Place, undo: () => Promise<unknown>) =>
    toast({ text: t("extension.changed", { extension: extension.extension }), icon: "check", undo: () => undo().then(again) });
  const change = useAct(({ id, extension, endpoints }: { id: number; extension: Extension; endpoints: string[] }) => setEndpoints(id, extension, endpoints), {
    onDone: (_, { id, extension }) => {
      void again().then(onChanged);
      told(extension, () => setEndpoints(id, extension, extension.endpoints));
    },
  });
  const show = useAct(({ id, extension, number }: { id: number; extension: Extension; number: string | null }) => setNumber(id, extension, number), {
    onDone: (_, { id, extension }) => {
      void again().then(onShown);
      told(extension, () => setNumber(id, extension, extension.caller_id));
    },
  });
  return { change, show };
}

export function useExtensions() {
  const t = useWords("users");
  const toast = useToast();
  const again = useAgain();
  const onFault = useTellFault();
  const put = async (id: number, extension: Given) => {
    await setEndpoints(id, extension, extension.endpoints);
    if (extension.caller_id) await setNumber(id, extension, extension.caller_id);
    await again();
  };
  const drop = async (id: number, { pbx, extension }: Place) => {
    const path = { user_id: id, pbx, extension };
    await done(api.DELETE("/api/v1/users/{user_id}/extensions/{pbx}/{extension}", { params: { path } }));
    await again();
  };
  const give = useAct(({ id, extension }: { id: number; extension: Given }) => put(id, extension), {
    onDone: (_, { id, extension }) => toast({ text: t("extension.given", { extension: extension.extension }), icon: "check", undo: () => drop(id, extension) }),
  });
  const take = useAct(({ id, extension }: { id: number; extension: Extension }) => drop(id, extension), {
    onDone: (_, { id, extension }) => toast({ text: t("extension.taken", { extension: extension.extension }), icon: "check", undo: () => put(id, extension) }),
    onFault,
  });
  return { give, take };
}

export function usePhonePassword() {
  return useAct(
    ({ id, extension }: { id: number; extension: Extension }) =>
      body(
        api.PUT("/api/v1/users/{user_id}/extensions/{pbx}/{extension}/phone", {
          params: { path: { user_id: id, pbx: extension.pbx, extension: extension.extension } },
        }),
      ),
    { onFault: useTellFault() },
  );
}

type TeamChange = Omit<Schemas["TeamChange"], "version">;

export const readTeam = (id: number) => body(api.GET("/api/v1/teams/{team_id}", { params: { path: { team_id: id } } }));

/** Sends a change of a team, and has the teams read anew. */
export function useSendTeam() {
  const again = useAgain();
  return async (id: number, change: Schemas["TeamChange"]) => {
    const changed = await body(api.PATCH("/api/v1/teams/{team_id}", { params: { path: { team_id: id } }, body: change }));
    await again();
    return changed;
  };
}

/** Change a team, with Undo: what was changed gets the value that it had. */
export function useChangeTeam(onDone?: () => void) {
  const t = useWords("users");
  const toast = useToast();
  const send = useSendTeam();
  return useAct(({ team, change }: { team: Team; change: TeamChange; said?: string }) => send(team.id, { ...change, version: team.version }), {
    onDone: (changed, { team, change, said }) => {
      onDone?.();
      const before = Object.fromEntries(Object.keys(change).map((name) => [name, team[name as keyof TeamChange]]));
      toast({ text: said ?? t("team.changed", { team: team.name }), icon: "check", undo: () => send(team.id, { ...before, version: changed.version }) });
    },
    onFault: useTellFault(),
  });
}

/** Make a team; Undo archives it. */
export function useMakeTeam(onMade: (team: Team) => void) {
  const t = useWords("users");
  const toast = useToast();
  const again = useAgain();
  const send = useSendTeam();
  return useAct((team: Schemas["NewTeam"], key) => body(api.POST("/api/v1/teams", { params: { header: once(key) }, body: team })), {
    onDone: (made) => {
      void again().then(() => onMade(made));
      toast({ text: t("team.made", { team: made.name }), icon: "check", undo: () => send(made.id, { archived: true, version: made.version }) });
    },
  });
}
