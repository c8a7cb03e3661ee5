import { api, body, keys, useQuery } from "../api";
import { tame } from "../formats";

/** The name upon a card; empty: not known, or the card has none. */
export function useContactName(contact: number | null | undefined): string {
  const query = useQuery({
    queryKey: keys.one("contacts", contact ?? 0, "name"),
    queryFn: async () => (await body(api.GET("/api/v1/contacts/{contact_id}", { params: { path: { contact_id: contact ?? 0 } } }))).name,
    enabled: !!contact,
    retry: false,
  });
  return contact ? tame(query.data) : "";
}
