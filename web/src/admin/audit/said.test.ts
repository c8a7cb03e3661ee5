import { expect, it } from "vitest";
import { detailsOf, said, thingWord } from "./said";

it("an act is told by its thing and its deed", () => {
  expect(said("user.entered")).toEqual({ subject: "user", act: "entered" });
});

it("an act without words is told by its code", () => {
  expect(said("rocket.launched")).toEqual({ subject: null, act: null });
  expect(said("nonsense")).toEqual({ subject: null, act: null });
});

it("the end of listening is told from its begin", () => {
  expect(said("call.listened").act).toBe("listened");
  expect(said("call.listened.ended").act).toBe("listened.ended");
});

it("what an act was about has a word of its own", () => {
  expect([thingWord("hours"), thingWord("webhook"), thingWord("rocket")]).toEqual(["thing.hours", "subject.webhook", null]);
});

it("details are told in words, and nothing that is for programs", () => {
  const t = (word: string) => `<${word}>`;
  expect(detailsOf({ kinds: ["call.*", "task.done", "*"], version: 3 }, t)).toBe("<detail.kinds>: <family.call>, task.done, <family.all>");
  expect(detailsOf({ role: "admin", command_id: "x", note: "" }, t)).toBe("<detail.role>: <role.admin>");
  expect(detailsOf({ counts: { made: 3, kept: 1 } }, t)).toBe("<detail.counts>: made 3, kept 1");
});
