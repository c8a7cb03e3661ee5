import { useFormats } from "../formats";
import { useWords } from "../words";
import { useMinute } from "./clock";

/** The client's time, "18:26 there"; nothing where his zone is not known or is the reader's hour. */
export function ClockThere({ zone, always }: { zone: string | null | undefined; always?: boolean }) {
  const t = useWords("parts");
  const f = useFormats();
  const minute = useMinute();
  const there = zone ? f.clockThere(minute, zone) : null;
  if (there === null || (!always && there === f.clock(minute))) return null;
  return <span className="nowrap">{t("clock.there", { clock: there })}</span>;
}
