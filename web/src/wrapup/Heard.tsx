/* What was promised in the call, as its text tells it: a click takes it for the next step. */

import { api, body, keys, useQuery, type Schemas } from "../api";
import { useSession } from "../app/session";
import { tame, useFormats } from "../formats";
import { Icon } from "../parts";
import { useWords } from "../words";
import styles from "./AfterCall.module.css";
import { offered } from "./rules";
import { instantOf } from "./times";
import type { WrapUp } from "./useWrapUp";

type Heard = Schemas["PromiseView"];

/** @param call that is over; its text may still be on its way, then this comes by itself */
export function HeardPromises({ call, wrap }: { call: string; wrap: WrapUp }) {
  const { zone, filled } = wrap;
  const heard = useQuery({
    queryKey: keys.one("recordings", call, "promises", zone),
    queryFn: async () => (await body(api.GET("/api/v1/calls/{call_id}/promises", { params: { path: { call_id: call }, query: { zone } } }))).items,
    enabled: useSession().may("recordings.listen_own"),
  }).data;
  const moment = (one: Heard) => instantOf(one.day, one.time ?? "23:59", zone).getTime();
  return offered(heard ?? [], filled, (one) => moment(one) > Date.now()).map((one) => <Offer key={`${one.kind} ${one.day} ${one.time}`} one={one} wrap={wrap} />);
}

function Offer({ one, wrap }: { one: Heard; wrap: WrapUp }) {
  const t = useWords("wrapup");
  const f = useFormats();
  const what = t(`step.${one.kind}`);
  const day = f.dayName(instantOf(one.day, "12:00", wrap.zone));
  const when = one.time === null ? t("heard.day", { what, day }) : t(wrap.isTheirZone ? "heard.there" : "heard.here", { what, day, time: one.time });
  return (
    <div className={styles["heard"]}>
      <Icon name="info" size={14} />
      <p>
        {t("heard", { quote: tame(one.quote) })}
        <b>{when}</b>
      </p>
      <button type="button" aria-label={t("heard.takeThis", { when })} onClick={() => wrap.change({ step: one.kind, who: null, day: one.day, time: one.time ?? wrap.filled.time })}>
        {t("heard.take")}
      </button>
    </div>
  );
}
