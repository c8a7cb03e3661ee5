/* What the page of a call reads. */

import { api, body, keys, useQuery, type Schemas } from "../api";
import { ApiProblem } from "../api/problem";
import { readPeaks } from "./peaks";

export const soundOf = (id: string): string => `/api/v1/calls/${encodeURIComponent(id)}/recording`;
const byId = (call_id: string) => ({ params: { path: { call_id } } });

export function useCall(id: string) {
  return useQuery({ queryKey: keys.one("calls", id), queryFn: () => body(api.GET("/api/v1/calls/{call_id}", byId(id))) });
}

export function useEvents(id: string) {
  return useQuery({
    queryKey: keys.one("calls", id, "events"),
    queryFn: () => body(api.GET("/api/v1/calls/{call_id}/events", byId(id))),
  });
}

/** How it was routed; asked for only by those who may read routes. */
export function useRouting(id: string, enabled: boolean) {
  return useQuery({
    enabled,
    queryKey: keys.one("calls", id, "routing"),
    queryFn: () => body(api.GET("/api/v1/calls/{call_id}/routing", byId(id))),
  });
}

/** The picture of the sound; asked for only where there is a recording. */
export function usePeaks(id: string, recorded: boolean) {
  return useQuery({
    queryKey: keys.one("recordings", id, "peaks"),
    enabled: recorded,
    staleTime: Infinity,
    queryFn: async () => {
      const { data } = await api.GET("/api/v1/calls/{call_id}/peaks", { ...byId(id), parseAs: "arrayBuffer" });
      if (!(data instanceof ArrayBuffer)) throw new ApiProblem(204);
      return readPeaks(data);
    },
  });
}

/** What was said; asked for only where it is written. */
export function useTranscript(id: string, written: boolean) {
  return useQuery({
    queryKey: keys.one("recordings", id, "transcript"),
    enabled: written,
    queryFn: async () => {
      const query = { format: "json" as const };
      const { data } = await api.GET("/api/v1/calls/{call_id}/transcript", { params: { path: { call_id: id }, query } });
      if (typeof data !== "object" || data === null) throw new ApiProblem(204);
      return data as Schemas["TranscriptView"]; // what was asked for by `format`; the types know both
    },
  });
}

/** The outcomes that were chosen for this call, the newest first. */
export function useOutcomes(id: string, enabled: boolean) {
  return useQuery({
    enabled,
    queryKey: keys.view("outcomes", "of call", id),
    queryFn: () => body(api.GET("/api/v1/outcomes", { params: { query: { call: id } } })),
  });
}
