/* How far an import is, what its columns may become, and how a row's verdict is worded. */

export const TARGETS = [
  "ignore", "name", "last_name", "first_name", "middle_name", "number", "email", "organisation", "job_title", "city",
  "line_of_business", "owner", "priority", "heat", "stage", "source", "timezone", "birthday", "note", "postal", "site",
  "messenger", "external_id",
] as const; // prettier-ignore
export const STATES = ["ready", "checking", "checked", "running", "done", "cancelled", "failed", "undoing", "undone"] as const;
export const ON_MATCH = ["fill", "overwrite", "skip"] as const;
export const STAGES = ["client", "lead", "unsorted"] as const;
export const CODES = [
  "number_not_understood", "digits_lost", "number_own", "too_many_numbers", "address_empty", "email_not_understood",
  "date_not_understood", "owner_unknown", "owner_two", "choice_unknown", "amount_not_understood", "yes_no_not_understood",
  "timezone_unknown", "too_long", "name_differs", "no_contact", "card_exists", "several_cards", "shared_number", "row_broken",
  "more_cells",
] as const; // prettier-ignore

export type Options = Readonly<Record<string, string | number | boolean | null>>;

/** Whether it goes on at this moment. */
export const isActive = (state: string): boolean => state === "checking" || state === "running" || state === "undoing";
/** Whether mapping and options may be changed. */
export const isOpen = (state: string): boolean => state === "ready" || state === "checked";
/** Whether something was written that can be taken back. */
export const isWritten = (state: string): boolean => state === "done" || state === "cancelled" || state === "failed";

const MEDIA: Readonly<Record<string, string>> = {
  csv: "text/csv",
  txt: "text/plain",
  tsv: "text/tab-separated-values",
  xls: "application/vnd.ms-excel",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ods: "application/vnd.oasis.opendocument.spreadsheet",
};

/** The media type under which a file is sent; the gateway looks at its bytes. */
export function mediaOf(name: string): string {
  return MEDIA[name.toLowerCase().split(".").at(-1) ?? ""] ?? "application/octet-stream";
}

/** Targets with one of them changed; a target that only one column may have is taken from the other. */
export function withTarget(targets: readonly string[], column: number, target: string): string[] {
  const several = new Set(["ignore", "number", "email", "note", "postal", "site", "messenger"]);
  return targets.map((old, at) => (at === column ? target : !several.has(target) && old === target ? "ignore" : old));
}

/** The share of an import that is done, in hundredths. */
export function shareOf(progress: { readonly done: number; readonly total: number }): number {
  return progress.total === 0 ? 0 : Math.min(100, Math.round((100 * progress.done) / progress.total));
}
