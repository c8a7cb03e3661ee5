export { api, body, done, ifMatch, newKey, once, type Schemas } from "./client";
export { keys, type Fact, type Family } from "./keys";
export type { LiveCall } from "./openCalls";
export { ApiProblem, asProblem, type FieldFault } from "./problem";
export { queryClient, useAct, usePages, useQuery, useQueryClient, type Page, type Pages } from "./queries";
export { LiveProvider, useFacts, useLine, useLive, useNews, useOpenCall, useOpenCalls, useOrder } from "./useLive";
