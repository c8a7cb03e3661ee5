import { expect, it } from "vitest";
import { callsLink, dayAfter, rowsQuery, shownHours, writeRows } from "./figure";

const ADDRESS = "/api/v1/reports/rows?figure=missed&since=2026-03-01&until=2026-03-07&direction=inbound&weekday=5&hour=12";

it("reads the address of a figure, and writes it", () => {
  const query = rowsQuery(ADDRESS);
  expect(query).toEqual({ figure: "missed", since: "2026-03-01", until: "2026-03-07", direction: "inbound", weekday: 5, hour: 12 });
  expect(query && rowsQuery(writeRows(query))).toEqual(query);
});

it("keeps the channel whose figure it is, also one without a name", () => {
  const query = rowsQuery("/api/v1/reports/rows?figure=calls&since=2026-02-01&until=2026-02-28&direction=inbound&by=source&channel_kind=campaign&channel=");
  expect(query).toMatchObject({ by: "source", channel_kind: "campaign", channel: "" });
  expect(rowsQuery(writeRows(query ?? ({} as never)))).toEqual(query);
});

it("takes nothing that is no figure", () => {
  for (const wrong of ["", null, "figure=secret&since=2026-03-01&until=2026-03-07", "figure=calls&since=yesterday&until=2026-03-07"]) {
    expect(rowsQuery(wrong)).toBeNull();
  }
  expect(rowsQuery("figure=calls&since=2026-03-01&until=2026-03-01&user=1;2&direction=up")).toEqual({
    figure: "calls",
    since: "2026-03-01",
    until: "2026-03-01",
  });
});

it("leads to the list of calls, which has exactly the same", () => {
  const query = { figure: "missed", since: "2026-02-28", until: "2026-02-28" } as const;
  const days = "/calls?period=dates&first=2026-02-28&last=2026-02-28";
  expect(callsLink(query)).toBe(`${days}&figure=missed`);
  expect(callsLink({ ...query, user: 3, direction: "inbound" })).toBe(`${days}&figure=missed&manager=3&direction=inbound`);
  expect(callsLink({ ...query, by: "did", channel: "4950001" })).toBe(`${days}&figure=missed&channel_by=did&channel=4950001`);
  expect(callsLink({ ...query, by: "source", channel_kind: "", channel: "" })).toBe(`${days}&figure=missed&channel_by=source`);
  expect(callsLink({ ...query, team: 3, weekday: 5, hour: 0 })).toBe(`${days}&figure=missed&team=3&weekday=5&hour=0`);
  expect(callsLink({ ...query, figure: "numbers_long", user: 3, seconds: 90 })).toBe(`${days}&figure=numbers_long&manager=3&seconds=90`);
  expect(callsLink({ ...query, figure: "outcomes", team: 3, kind: "purchase" })).toBe(`${days}&figure=outcomes&team=3&outcome=purchase`);
});

it("leads nowhere from what counts no calls", () => {
  const query = { since: "2026-02-28", until: "2026-02-28" } as const;
  for (const figure of ["not_taken", "numbers_long", "leads", "tasks_done", "touches", "returned_later"] as const) {
    expect(callsLink({ ...query, figure })).toBeNull();
  }
});

it("knows the next day, and which hours are worth a column", () => {
  expect(dayAfter("2026-12-31")).toBe("2027-01-01");
  expect(shownHours([])).toEqual([]);
  expect(shownHours([8, 19])).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
});
