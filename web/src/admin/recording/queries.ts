/* The sounds that routes may play, and the one that tells of the recording. */

import { api, asProblem, body, keys, useAct, useQueryClient, type Schemas } from "../../api";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";

export type Policy = Schemas["RoutingPolicyView"];
export type Change = Omit<Schemas["RoutingPolicyChange"], "version">;

export function useChangePolicy() {
  const t = useWords("recording");
  const toast = useToast();
  const cache = useQueryClient();
  const tell = useTellFault();
  const send = async (change: Change, version: number) => {
    const changed = await body(api.PATCH("/api/v1/routing-policy", { body: { ...change, version } }));
    await cache.invalidateQueries({ queryKey: keys.view("routing", "policy") });
    return changed;
  };
  return useAct(({ policy, change }: { policy: Policy; change: Change }) => send(change, policy.version), {
    onDone: (changed, { policy }) =>
      toast({ text: t("saved"), icon: "check", undo: () => send({ sounds: policy.sounds, notice: policy.notice }, changed.version) }),
    // What is wrong with a field stands at it.
    onFault: (fault) => {
      if (!asProblem(fault)?.errors.length) tell(fault);
    },
  });
}
