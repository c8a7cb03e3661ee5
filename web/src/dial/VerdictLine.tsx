/* What will be dialled, national and international; or why not, and who may allow it. */

import { useSession } from "../app/session";
import { wordOf } from "../band/faults";
import { phone, tame, useFormats } from "../formats";
import { useWords } from "../words";
import type { Verdict } from "./useVerdict";
import styles from "./DialField.module.css";

export function VerdictLine({ verdict }: { verdict: Verdict | undefined }) {
  const t = useWords("band");
  const f = useFormats();
  const { who } = useSession();
  if (!verdict) return <p className={styles["verdict"]}>{t("dial.asking")}</p>;
  if (verdict.allowed) {
    const national = f.phone(verdict.number);
    const international = phone(verdict.number);
    const number = national === international ? national : `${national} (${international})`;
    return <p className={styles["verdict"]}>{t("dial.will", { number })}</p>;
  }
  const word = wordOf(verdict.reason);
  const country = verdict.reason === "country" && verdict.region ? nameOfCountry(verdict.region, f.language) : null;
  const names = who.ask.map((giver) => tame(giver.name)).join(", ");
  return (
    <p className={styles["verdict"]} data-refused>
      {country ? t("dial.country", { country }) : word ? t(`fault.${word}`) : verdict.sentence}{" "}
      {verdict.again_at ? t("dial.again", { clock: f.moment(verdict.again_at) }) : word && PERMITTED.has(word) && names ? t("dial.ask", { names }) : ""}
    </p>
  );
}

/** What somebody could allow. */
const PERMITTED: ReadonlySet<string> = new Set(["country", "forbidden_prefix", "premium", "shared_cost", "personal", "satellite", "network", "world_premium"]); // prettier-ignore

function nameOfCountry(region: string, language: string): string | null {
  try {
    return new Intl.DisplayNames([language], { type: "region" }).of(region) ?? null;
  } catch {
    return null;
  }
}
