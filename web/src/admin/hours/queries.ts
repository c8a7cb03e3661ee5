/* Working hours of the company, of a number, of a person; every change can be taken back. */

import { api, asProblem, body, done, keys, useAct, useQuery, useQueryClient, type Schemas } from "../../api";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";

export type Table = Schemas["WorkingHoursView"];
export type Exception = Table["exceptions"][number];

/** Whose hours: the company's, a number's, a person's. */
export interface Whose {
  readonly did: string | null;
  readonly user: number | null;
}
export type Values = Pick<Table, "timezone" | "week" | "exceptions" | "company_holidays">;

export function useHours() {
  return useQuery({ queryKey: keys.view("hours", "all"), queryFn: () => body(api.GET("/api/v1/working-hours")) });
}

export function useNumbers() {
  return useQuery({ queryKey: keys.view("routing", "numbers"), queryFn: () => body(api.GET("/api/v1/numbers")) });
}

/** What a table says, without whose it is. */
export function valuesOf({ timezone, week, exceptions, company_holidays }: Table): Values {
  return { timezone, week, exceptions, company_holidays };
}

export function useSetHours() {
  const t = useWords("hours");
  const toast = useToast();
  const cache = useQueryClient();
  const onFault = useTellFault();
  const again = () => cache.invalidateQueries({ queryKey: keys.all("hours") });
  const put = async ({ did, user }: Whose, values: Values, version: number) => {
    const set = await body(api.PUT("/api/v1/working-hours", { body: { did, user, ...values, version } }));
    await again();
    return set;
  };
  const drop = async (id: number) => {
    await done(api.DELETE("/api/v1/working-hours/{hours_id}", { params: { path: { hours_id: id } } }));
    await again();
  };
  /** `before` is null where there was no table yet. */
  const set = useAct(({ whose, values, before }: { whose: Whose; values: Values; before: Table | null }) => put(whose, values, before?.version ?? 0), {
    onDone: (now, { whose, before }) =>
      toast({ text: t("saved"), icon: "check", undo: () => (before ? put(whose, valuesOf(before), now.version) : drop(now.id)) }),
    // What is wrong with a field stands at it.
    onFault: (fault) => {
      if (!asProblem(fault)?.errors.length) onFault(fault);
    },
  });
  const remove = useAct((table: Table) => drop(table.id), {
    onDone: (_, table) => toast({ text: t("removed"), icon: "check", undo: () => put(table, valuesOf(table), 0) }),
    onFault,
  });
  return { set, remove };
}
