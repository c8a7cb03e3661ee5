/* The people who sign in: reading, entering, changing; what can be undone says so. */

import { api, body, done, keys, once, useAct, usePages, useQuery, useQueryClient, type Schemas } from "../../api";
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

export function useChangeUser() {
  const toast = useToast();
  const again = useAgain();
  const send = async (id: number, change: Schemas["UserChange"]) => {
    const changed = await body(api.PATCH("/api/v1/users/{user_id}", { params: { path: { user_id: id } }, body: change }));
    await again();
    return changed;
  };
  return useAct(({ user, change }: { user: User; change: Change; before: Change; said: string }) => send(user.id, { ...change, version: user.version }), {
    onDone: (changed, { before, said }) =>
      toast({ text: said, icon: "check", undo: () => send(changed.id, { ...before, version: changed.version }) }),
    onFault: useTellFault(),
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

export function useExtensions() {
  const t = useWords("users");
  const toast = useToast();
  const again = useAgain();
  const onFault = useTellFault();
  const put = async (id: number, { pbx, extension, endpoints }: Pick<Extension, "pbx" | "extension" | "endpoints">) => {
    const path = { user_id: id, pbx, extension };
    await body(api.PUT("/api/v1/users/{user_id}/extensions/{pbx}/{extension}", { params: { path }, body: { endpoints } }));
    await again();
  };
  const drop = async (id: number, { pbx, extension }: Pick<Extension, "pbx" | "extension">) => {
    const path = { user_id: id, pbx, extension };
    await done(api.DELETE("/api/v1/users/{user_id}/extensions/{pbx}/{extension}", { params: { path } }));
    await again();
  };
  const give = useAct(({ id, extension }: { id: number; extension: Pick<Extension, "pbx" | "extension" | "endpoints"> }) => put(id, extension), {
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

export function useChangeTeam() {
  const t = useWords("users");
  const toast = useToast();
  const again = useAgain();
  const send = async (id: number, members: Team["members"], version: number) => {
    const changed = await body(api.PATCH("/api/v1/teams/{team_id}", { params: { path: { team_id: id } }, body: { members, version } }));
    await again();
    return changed;
  };
  return useAct(({ team, members }: { team: Team; members: Team["members"] }) => send(team.id, members, team.version), {
    onDone: (changed, { team }) =>
      toast({ text: t("team.changed", { team: team.name }), icon: "check", undo: () => send(team.id, team.members, changed.version) }),
    onFault: useTellFault(),
  });
}
