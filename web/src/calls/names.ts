/* The words of what is filtered by: teams, our own numbers, outcomes, a client, an organisation; asked for when needed. */

import { api, body, keys, useQuery } from "../api";
import { useColleagueChoices } from "../app/colleagues";
import { useSession } from "../app/session";
import { tame, useFormats } from "../formats";
import { labelIn } from "../clients/entries";
import type { Filters } from "./filters";

export interface NamedChoice {
  readonly value: string;
  readonly label: string;
}

const isId = (value: string | undefined): value is string => value !== undefined && /^\d{1,15}$/.test(value);

/** Teams by name. */
export function useTeamChoices(enabled = true): NamedChoice[] {
  const f = useFormats();
  const teams = useQuery({ queryKey: keys.view("teams", "all"), enabled, queryFn: () => body(api.GET("/api/v1/teams")) });
  return (teams.data?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name })).sort((one, other) => f.byName(one.label, other.label));
}

interface Line {
  readonly name: string;
  readonly source: string | null;
  readonly route: number | null;
  readonly routeName: string | null;
}

/** Our own numbers as they are called, by the number as calls show it; who may read routes gets all numbers, with theirs. */
export function useLines(): ReadonlyMap<string, Line> {
  const may = useSession().may;
  const named = useNamedLines();
  const all = useQuery({ queryKey: keys.view("routing", "numbers"), enabled: may("routing.read"), queryFn: () => body(api.GET("/api/v1/numbers")) });
  const lines = new Map<string, Line>();
  for (const { did, name, source_name, route, route_name } of all.data?.items ?? []) lines.set(did, { name, source: source_name, route, routeName: route_name });
  for (const { did, name, source_name } of named) lines.set(did, { route: null, routeName: null, ...lines.get(did), name, source: source_name });
  return lines;
}

function useNamedLines() {
  const may = useSession().may("calls.read_own");
  return useQuery({ queryKey: keys.view("routing", "lines"), enabled: may, staleTime: LINES_FRESH_MS, queryFn: () => body(api.GET("/api/v1/lines")) }).data?.items ?? [];
}
const LINES_FRESH_MS = 300_000;

/** Writes one of our numbers for a person: its name, else its source, else the number itself. */
export function useLineName(): (did: string) => string {
  const f = useFormats();
  const named = new Map(useNamedLines().map((line) => [line.did, line.name || line.source_name]));
  return (did) => tame(named.get(did)) || f.phone(did);
}

/** Outcomes that can be chosen, in the reader's language. */
export function useOutcomeChoices(enabled: boolean): NamedChoice[] {
  const { language } = useFormats();
  const lists = useQuery({ queryKey: keys.view("outcomes", "lists"), enabled, queryFn: () => body(api.GET("/api/v1/dispositions")) });
  return (lists.data?.dispositions ?? []).map(({ key, labels }) => ({ value: key, label: labelIn(labels, language) ?? key }));
}

/** Everything that filters are called, asked for only where one of them needs it. */
export function useFilterNames(filters: Filters, isOpen: boolean) {
  const may = useSession().may;
  const people = useColleagueChoices(may("calls.read_all"));
  const teams = useTeamChoices(may("calls.read_all") && (isOpen || filters.team !== undefined));
  const outcomes = useOutcomeChoices(isOpen || (filters.outcome !== undefined && filters.outcome !== "none"));
  const lines = useLines();
  const lineName = useLineName();
  const routes = new Map([...lines.values()].flatMap(({ route, routeName }) => (route !== null && routeName ? [[route, routeName] as const] : [])));
  const contact = useContactName(filters.contact);
  const organisation = useOrganisationName(filters.organisation);
  return { people, teams, outcomes, lines, routes, contact, organisation, lineName };
}

/** What a client of a filter is called; undefined: not known, or not to be seen. */
export function useContactName(contact: string | undefined): string | undefined {
  const f = useFormats();
  const may = useSession().may("contacts.read");
  const card = useQuery({
    queryKey: keys.one("contacts", contact ?? 0, "name"),
    enabled: may && isId(contact),
    retry: false,
    queryFn: () => body(api.GET("/api/v1/contacts/{contact_id}", { params: { path: { contact_id: Number(contact) } } })),
  });
  return card.data && f.client(card.data.name, card.data.numbers[0]);
}

/** What an organisation of a filter is called. */
export function useOrganisationName(organisation: string | undefined): string | undefined {
  const may = useSession().may("contacts.read");
  const found = useQuery({
    queryKey: keys.one("organisations", organisation ?? 0, "name"),
    enabled: may && isId(organisation),
    retry: false,
    queryFn: () => body(api.GET("/api/v1/organisations/{organisation_id}", { params: { path: { organisation_id: Number(organisation) } } })),
  });
  return found.data?.name;
}
