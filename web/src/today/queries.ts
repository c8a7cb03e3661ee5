/* What the page of the day reads, and what can be done from it. */

import { api, body, keys, once, useAct, useQuery, useQueryClient } from "../api";
import { useTellFault } from "../parts";

const SOON = { params: { query: { days: 1, limit: 100 } } };

/** The whole day in one read; read anew when a fact touches the queue, missed clients, plans, tasks or goals. */
export function useDay() {
  return useQuery({ queryKey: keys.view("queue", "day"), queryFn: () => body(api.GET("/api/v1/me/day", SOON)) });
}

/** What is in the card of a row. */
export function useGlance(contact: number | null) {
  return useQuery({
    queryKey: keys.one("contacts", contact ?? 0, "glance"),
    enabled: contact !== null,
    queryFn: async () => {
      const path = { contact_id: contact ?? 0 };
      const [card, line] = await Promise.all([
        body(api.GET("/api/v1/contacts/{contact_id}", { params: { path } })),
        body(api.GET("/api/v1/contacts/{contact_id}/timeline", { params: { path, query: { limit: 8 } } })),
      ]);
      return { card, touches: line.items };
    },
  });
}

/** Write a note on a card. */
export function useNote(contact: number, onDone: () => void) {
  const cache = useQueryClient();
  return useAct(
    (text: string, key) =>
      body(
        api.POST("/api/v1/contacts/{contact_id}/notes", {
          params: { path: { contact_id: contact }, header: once(key) },
          body: { text },
        }),
      ),
    {
      onDone: () => {
        onDone();
        void cache.invalidateQueries({ queryKey: keys.one("contacts", contact) });
      },
      onFault: useTellFault(),
    },
  );
}
