/* Our own numbers: what each is called, where its callers come from, and which route they take. */

import { api, body, done, keys, useAct, usePages, useQueryClient, type Schemas } from "../../api";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";

export type OurNumber = Schemas["NumberView"];
export type Naming = Omit<Schemas["NamedNumber"], "version">;

export function useNumbers() {
  return usePages(keys.list("routing", "numbers"), async () => ({ ...(await body(api.GET("/api/v1/numbers"))), next: null }));
}

/** Name a number; Undo gives it back what it was called before. */
export function useName() {
  const t = useWords("numbers");
  const toast = useToast();
  const cache = useQueryClient();
  const put = async (did: string, naming: Naming, version: number) => {
    const named = await body(api.PUT("/api/v1/numbers/{did}", { params: { path: { did } }, body: { ...naming, version } }));
    await cache.invalidateQueries({ queryKey: keys.all("routing") });
    return named;
  };
  const forget = async (did: string) => {
    await done(api.DELETE("/api/v1/numbers/{did}", { params: { path: { did } } }));
    await cache.invalidateQueries({ queryKey: keys.all("routing") });
  };
  return useAct(({ number, naming }: { number: OurNumber; naming: Naming }) => put(number.did, naming, number.version), {
    onDone: (named, { number }) => {
      const { name, source_kind, source_name, note } = number;
      toast({
        text: t("saved"),
        icon: "check",
        undo: () => (number.version === 0 ? forget(number.did) : put(number.did, { name, source_kind, source_name, note }, named.version)),
      });
    },
    onFault: useTellFault(),
  });
}
