/* What may be dialled, and how it is changed. Every change names the version it was made from. */

import { api, body, done, keys, once, useAct, useQuery, useQueryClient, type Schemas } from "../../api";
import { useSession } from "../../app/session";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";

export type Permissions = Schemas["DialPermissionsView"];
export type Change = Schemas["DialPermissionsChange"];
export type Special = Schemas["DialExceptionView"];
export const COSTLY = ["premium", "shared_cost", "personal", "satellite", "network", "world_premium"] as const;
export const SPANS = ["minute", "hour", "day", "foreign_day"] as const;
export type Limits = Schemas["LimitsView"];

const queryKey = keys.view("dialling", "permissions");
const read = () => body(api.GET("/api/v1/dial-permissions"));

export function usePermissions() {
  return useQuery({ queryKey, queryFn: read });
}

export function useMayChange(): boolean {
  return useSession().may("dialling.manage");
}

/** Send a change; the answer is kept. `again` reads anew. */
export function useRules() {
  const cache = useQueryClient();
  const keep = (rules: Permissions) => {
    cache.setQueryData(queryKey, rules);
    return rules;
  };
  return {
    change: async (change: Change) => keep(await body(api.PATCH("/api/v1/dial-permissions", { body: change }))),
    again: async () => keep(await read()),
  };
}

/** Lists are changed at once, with a way back to what they were. */
export function useListChange() {
  const t = useWords("dialling");
  const toast = useToast();
  const rules = useRules();
  return useAct(({ version, to }: { version: number; to: Change; from: Change }) => rules.change({ ...to, version }), {
    onDone: (changed, { from }) => toast({ text: t("changed"), icon: "check", undo: () => rules.change({ ...from, version: changed.version }) }),
    onFault: useTellFault(),
  });
}

export function useTry() {
  return useAct((question: Schemas["DialQuestion"], key) => body(api.POST("/api/v1/dial-permissions/check", { params: { header: once(key) }, body: question })));
}

/** Enter or change an exception. */
export function usePut(onDone: () => void) {
  const rules = useRules();
  return useAct(
    async (special: Schemas["NewException"]) => {
      await body(api.PUT("/api/v1/dial-permissions/exceptions", { body: special }));
      await rules.again();
    },
    { onDone },
  );
}

/** Take an exception away; undone, it is entered anew. */
export function useTake() {
  const t = useWords("dialling");
  const toast = useToast();
  const rules = useRules();
  return useAct(
    async (special: Special) => {
      await done(api.DELETE("/api/v1/dial-permissions/exceptions/{exception_id}", { params: { path: { exception_id: special.id } } }));
      await rules.again();
    },
    {
      onDone: (_, special) =>
        toast({
          text: t("exception.taken"),
          icon: "trash",
          undo: async () => {
            const { role, team, user, key, countries, kinds, prefixes, limits, note } = special;
            await body(api.PUT("/api/v1/dial-permissions/exceptions", { body: { role: roleOf(role), team, user, key, countries, kinds, prefixes, limits, note, version: 0 } }));
            await rules.again();
          },
        }),
      onFault: useTellFault(),
    },
  );
}

export const ROLES = ["manager", "supervisor", "admin"] as const;

export function roleOf(role: string | null) {
  return ROLES.find((some) => some === role) ?? null;
}

type Scope = "user_limits" | "key_limits" | "company_limits";

/** The change of one limit. */
export function limitChange(scope: Scope, span: (typeof SPANS)[number], n: number | null): Change {
  const limits: Schemas["LimitsBody"] = {};
  limits[span] = n;
  const change: Change = {};
  change[scope] = limits;
  return change;
}

/** The change of the alarm. */
export function alarmChange(name: "burst" | "burst_minutes", n: number | null): Change {
  const change: Change = {};
  change[name] = n;
  return change;
}
