/* The formats bound to whoever reads: language, zone and country. `const f = useFormats()`, then `f.duration(s)`. */

import { useMemo } from "react";
import { useReader } from "../app/reader";
import { useWords } from "../words";
import * as durations from "./durations";
import * as moments from "./moments";
import { byName, tame } from "./names";
import * as numbers from "./numbers";
import * as phones from "./phones";

type Moment = string | number | Date;

export function useFormats() {
  const reader = useReader();
  const t = useWords("parts");
  return useMemo(() => {
    const unit = (name: "s" | "min" | "h" | "d", n: number) => t(`unit.${name}`, { n: numbers.count(n, reader.language) });
    return {
      /** `0:07`, `12:48`, `1:02:10` */
      duration: durations.duration,
      /** `2 h 14 min` */
      sum: (seconds: number) => durations.sum(seconds, unit),
      /** `19 min`, `2 h 04`, `3 d` */
      distance: (seconds: number) => durations.distance(seconds, unit),
      /** `in 19 min` for what comes, `19 min ago` for what was */
      fromNow: (at: Moment, now: number) => {
        const seconds = (new Date(at).getTime() - now) / 1000;
        return t(seconds >= 0 ? "time.in" : "time.ago", { time: durations.distance(seconds, unit) });
      },
      hoursAndMinutes: durations.hoursAndMinutes,
      /** `14:26` */
      clock: (at: Moment, zone?: string) => moments.clock(at, zone ? { ...reader, zone } : reader),
      exactClock: (at: Moment) => moments.exactClock(at, reader),
      clockThere: moments.clockThere,
      isoDay: (at: Moment) => moments.isoDay(at, reader),
      daysFrom: (at: Moment, now: Moment = Date.now()) => moments.daysFrom(at, now, reader),
      /** `21 Nov` */
      shortDay: (at: Moment, now: Moment = Date.now()) => moments.shortDay(at, now, reader),
      /** `Tue 24 Nov` */
      weekDay: (at: Moment, now: Moment = Date.now()) => moments.weekDay(at, now, reader),
      /** `Tuesday, 24 November` */
      longDay: (at: Moment, now: Moment = Date.now()) => moments.longDay(at, now, reader),
      /** `14:26` of today, else `21 Nov, 14:26` */
      moment: (at: Moment, now: Moment = Date.now()) => moments.moment(at, now, reader),
      /** `Today`, `Yesterday`, `Tomorrow`, else `Tue 24 Nov` */
      dayName: (at: Moment, now: Moment = Date.now()) => {
        const days = moments.daysFrom(at, now, reader);
        if (days === 0) return t("day.today");
        if (days === -1) return t("day.yesterday");
        if (days === 1) return t("day.tomorrow");
        return moments.weekDay(at, now, reader);
      },
      count: (n: number) => numbers.count(n, reader.language),
      change: (n: number) => numbers.change(n, reader.language),
      share: numbers.share,
      /** `5 pts` */
      points: (n: number) => t("unit.points", { n: numbers.change(n, reader.language) }),
      money: (amount: number, currency: string) => numbers.money(amount, currency, reader.language),
      phone: (number: string | null | undefined) => phones.phone(number, reader.country),
      /** Whom a card or a call is about: the name, else the number where it is given, else "Unknown caller". */
      client: (name: string | null | undefined, number?: string | null) => tame(name) || (number ? phones.phone(number, reader.country) : t("unknown")),
      byName: byName(reader.language),
      language: reader.language,
      zone: reader.zone,
    };
  }, [reader, t]);
}
export type Formats = ReturnType<typeof useFormats>;
