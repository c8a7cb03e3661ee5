/* What the doctor found, how the own exchange stands, and the demonstration call. */

import { api, body, keys, once, useAct, useFacts, useQuery, useQueryClient, type Schemas } from "../../api";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";

export type Pbx = Schemas["PbxList"]["items"][number];
export type Finding = Pbx["findings"][number];
export type Exchange = Schemas["ExchangeAnswer"];
export type Demo = Schemas["DemoView"];

const FOUND = keys.view("doctor", "pbx");
const EXCHANGE = keys.view("doctor", "exchange");
const DEMO = keys.view("doctor", "demo");

export function useFound() {
  return useQuery({ queryKey: FOUND, queryFn: () => body(api.GET("/api/v1/doctor")) });
}

export function useExchange() {
  return useQuery({ queryKey: EXCHANGE, queryFn: () => body(api.GET("/api/v1/exchange")) });
}

/** Look at one PBX now, or with null at all of them. */
export function useLook() {
  const t = useWords("doctor");
  const toast = useToast();
  const cache = useQueryClient();
  return useAct((pbx: string | null) => body(api.POST("/api/v1/doctor", { body: { pbx } })), {
    onDone: (looked) => {
      const faults = looked.items.reduce((sum, item) => sum + item.faults, 0);
      toast({ text: t("looked", { count: faults }), icon: faults ? "warn" : "check" });
      void cache.invalidateQueries({ queryKey: FOUND });
      void cache.invalidateQueries({ queryKey: EXCHANGE });
    },
    onFault: useTellFault(),
  });
}

/** The demonstration as it stands; each step is told as it is done. */
export function useDemo() {
  const cache = useQueryClient();
  useFacts((fact) => {
    if (fact.kind === "demo.step") void cache.invalidateQueries({ queryKey: DEMO });
  });
  return useQuery({ queryKey: DEMO, queryFn: () => body(api.GET("/api/v1/demo")) });
}

export function useShowDemo() {
  const cache = useQueryClient();
  return useAct((_: null, key) => body(api.POST("/api/v1/demo", { params: { header: once(key) } })), {
    onDone: () => void cache.invalidateQueries({ queryKey: DEMO }),
    onFault: useTellFault(),
  });
}
