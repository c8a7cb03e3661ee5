import { expect, it } from "vitest";
import { unsentOf } from "./unsent";

const CALL = "0b8f7a52-7f0e-4c1e-9d3c-1f2a3b4c5d6e";

it("says what every kept text is, how it begins and where it goes on", () => {
  const drafts = [
    { field: "contact/42/new-note", value: " second floor is rea" },
    { field: "contact/42/city", value: "Kraków" },
    { field: "contacts/new/+48601234567", value: { name: "Zofia", number: "+48 601 234 567", city: "", shared: false, fields: {} } },
    { field: "tasks/new/42", value: { title: "Send the list", note: "", kind: "own", due: "", owner: null } },
    { field: "task/7/note", value: "twice" },
    { field: "organisation/3/city", value: "" },
    { field: `wrapup/${CALL}`, value: { outcome: "refusal", reason: null, note: "too dear", step: null } },
    { field: "wrapups", value: [{ call: CALL, contact: 42, at: 1 }] },
    { field: "route/1/name", value: "Main" },
  ];
  expect(unsentOf(drafts).map(({ kind, begin, to }) => [kind, begin, to])).toEqual([
    ["note", "second floor is rea", "/clients/42"],
    ["field", "Kraków", "/clients/42"],
    ["client", "Zofia", "/clients?new=%2B48601234567"],
    ["task", "Send the list", "/clients/42?task=new"],
    ["task", "twice", "/tasks?task=7"],
    ["organisation", "", "/organisations/3"],
    ["outcome", "too dear", "/clients/42"],
    ["other", "Main", null],
  ]);
});

it("leaves out forms in which nothing was typed", () => {
  const drafts = [
    { field: "contact/42/new-note", value: "  " },
    { field: "contacts/new/1", value: { name: "", number: "1", city: "" } },
    { field: "tasks/new", value: { title: "", note: "", kind: "call" } },
    { field: "wrapup/x", value: { outcome: null, reason: null, note: "", step: null } },
    { field: "wrapups", value: "broken" },
  ];
  expect(unsentOf(drafts)).toEqual([]);
});

it("leads to the call where its client is not known", () => {
  expect(unsentOf([{ field: "wrapup/x", value: { outcome: "purchase" } }])[0]?.to).toBe("/calls/x");
});
