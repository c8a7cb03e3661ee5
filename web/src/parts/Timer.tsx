/* Times that tick in place: their text is written by the one clock, without drawing anything anew. */

import { useEffect, useLayoutEffect, useRef } from "react";
import { duration, useFormats } from "../formats";
import { everySecond, useMinute } from "./clock";

type Moment = string | number;

/** The text is never drawn by React: it is written before the eye sees it, and then once a second. */
function useTick(text: (now: number) => string) {
  const place = useRef<HTMLTimeElement>(null);
  const write = useRef(text);
  useLayoutEffect(() => {
    write.current = text;
    if (place.current) place.current.textContent = text(Date.now());
  });
  useEffect(
    () =>
      everySecond((now) => {
        if (place.current) place.current.textContent = write.current(now);
      }),
    [],
  );
  return place;
}

/** `3:42` since a moment, and on.
 * @param skew how far the server's clock is ahead of ours, in ms
 */
export function Timer({ since, skew = 0, className }: { since: Moment; skew?: number; className?: string | undefined }) {
  const begin = new Date(since).getTime();
  const text = (now: number) => duration((now + skew - begin) / 1000);
  const place = useTick(text);
  return <time ref={place} className={className} role="timer" aria-live="off" />;
}

/** `1:48` until a moment; after it the time by which it is over. `isOver` of a row: `useSecond() > until`. */
export function Countdown({ until, className }: { until: Moment; className?: string | undefined }) {
  const end = new Date(until).getTime();
  const text = (now: number) => duration(Math.abs(end - now) / 1000);
  const place = useTick(text);
  return <time ref={place} className={className} role="timer" aria-live="off" />;
}

/** `12:48`, a length that is known. */
export function Duration({ seconds }: { seconds: number | null | undefined }) {
  return <span className="nowrap">{duration(seconds)}</span>;
}

/** `14:26` of today, else `21 Nov, 14:26`; the exact moment on hover. */
export function Moment({ at }: { at: string }) {
  const f = useFormats();
  const minute = useMinute();
  return (
    <time dateTime={at} title={`${f.longDay(at)}, ${f.exactClock(at)}`} className="nowrap">
      {f.moment(at, minute)}
    </time>
  );
}
