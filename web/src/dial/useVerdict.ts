/* What would happen if a number were dialled: asked of the gateway while one types, counted nowhere. */

import { useEffect, useState } from "react";
import { api, body, newKey, once, useQuery, type Schemas } from "../api";

export type Verdict = Schemas["DialAnswer"];
const PAUSE_MS = 250;

/** The verdict upon a number; undefined: not known yet. */
export function useVerdict(number: string | null): Verdict | undefined {
  const [asked, setAsked] = useState(number);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(number), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [number]);
  const query = useQuery({
    queryKey: ["dialling", "view", "verdict", asked],
    queryFn: () => body(api.POST("/api/v1/dial-permissions/check", { params: { header: once(newKey()) }, body: { number: asked ?? "" } })),
    enabled: asked !== null && asked === number,
    staleTime: 60_000,
  });
  return asked === number ? query.data : undefined;
}
