/* Receivers of facts, what was sent to them, and what can be done with them. */

import { api, body, done, keys, once, useAct, usePages, useQuery, useQueryClient, type Schemas } from "../../api";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";

export type Webhook = Schemas["WebhookView"];
export type Delivery = Schemas["DeliveryView"];

const path = (webhook_id: number) => ({ path: { webhook_id } });

export function useWebhooks() {
  return useQuery({ queryKey: keys.view("webhooks", "all"), queryFn: () => body(api.GET("/api/v1/webhooks", { params: { query: { limit: 100 } } })) });
}

export function useDeliveries(id: number, state: Schemas["DeliveryState"] | null) {
  return usePages(keys.list("webhooks", id, state), (cursor) =>
    body(
      api.GET("/api/v1/webhooks/{webhook_id}/deliveries", {
        params: { ...path(id), query: { limit: 50, ...(state ? { state: [state] } : {}), ...(cursor ? { cursor } : {}) } },
      }),
    ),
  );
}

export function useAttempts(id: number, delivery: number) {
  return useQuery({
    queryKey: keys.view("webhooks", id, "delivery", delivery),
    queryFn: () => body(api.GET("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}", { params: { path: { webhook_id: id, delivery_id: delivery } } })),
  });
}

export function useReadAgain() {
  const cache = useQueryClient();
  return () => void cache.invalidateQueries({ queryKey: keys.all("webhooks") });
}

/** Change one; the answer is the receiver as it is now. */
export function useChange() {
  const again = useReadAgain();
  return async (id: number, change: Schemas["WebhookChange"]) => {
    const changed = await body(api.PATCH("/api/v1/webhooks/{webhook_id}", { params: path(id), body: change }));
    again();
    return changed;
  };
}

export const readOne = (id: number) => body(api.GET("/api/v1/webhooks/{webhook_id}", { params: path(id) }));

/** Off and on, with a way back. */
export function useSwitch() {
  const t = useWords("webhooks");
  const toast = useToast();
  const change = useChange();
  return useAct(({ hook, active }: { hook: Webhook; active: boolean }) => change(hook.id, { active, version: hook.version }), {
    onDone: (hook, { active }) =>
      toast({ text: t(active ? "on.done" : "off.done", { url: hook.url }), icon: "webhook", undo: () => change(hook.id, { active: !active, version: hook.version }) }),
    onFault: useTellFault(),
  });
}

/** What is said and read anew after something was queued. */
function useQueued() {
  const t = useWords("webhooks");
  const toast = useToast();
  const again = useReadAgain();
  return (count: number) => {
    toast({ text: t("queued", { count }), icon: "check" });
    again();
  };
}

export function useTest() {
  const queued = useQueued();
  return useAct((id: number, key) => body(api.POST("/api/v1/webhooks/{webhook_id}/test", { params: { ...path(id), header: once(key) } })), {
    onDone: () => queued(1),
    onFault: useTellFault(),
  });
}

export function useResend() {
  const queued = useQueued();
  return useAct(
    ({ id, delivery }: { id: number; delivery: number }, key) =>
      body(api.POST("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", { params: { path: { webhook_id: id, delivery_id: delivery }, header: once(key) } })),
    { onDone: () => queued(1), onFault: useTellFault() },
  );
}

/** Everything that failed or was missed since a moment. */
export function useResendAll() {
  const queued = useQueued();
  return useAct(
    ({ id, since }: { id: number; since: string }, key) => body(api.POST("/api/v1/webhooks/{webhook_id}/resend", { params: { ...path(id), header: once(key) }, body: { since } })),
    { onDone: (answer) => queued(answer.queued), onFault: useTellFault() },
  );
}

export function useNewWebhook() {
  return useAct((hook: Schemas["NewWebhook"], key) => body(api.POST("/api/v1/webhooks", { params: { header: once(key) }, body: hook })), { onDone: useReadAgain() });
}

/** A new secret; the old one signs as well for a day. */
export function useNewSecret() {
  return useAct((id: number, key) => body(api.POST("/api/v1/webhooks/{webhook_id}/secret", { params: { ...path(id), header: once(key) }, body: {} })), {
    onDone: useReadAgain(),
    onFault: useTellFault(),
  });
}

export function useEnd(onDone: () => void) {
  const again = useReadAgain();
  return useAct((id: number) => done(api.DELETE("/api/v1/webhooks/{webhook_id}", { params: path(id) })), {
    onDone: () => {
      again();
      onDone();
    },
    onFault: useTellFault(),
  });
}
