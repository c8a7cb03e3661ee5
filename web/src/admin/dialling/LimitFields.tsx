/* How many calls one person, one key and the whole company may dial: saved as typed. */

import { SavedNumber } from "../../drafts";
import { useWords } from "../../words";
import { alarmChange, limitChange, SPANS, useMayChange, useRules, type Permissions } from "./queries";
import styles from "./index.module.css";

const SCOPES = ["user_limits", "key_limits", "company_limits"] as const;
const BURST = ["burst", "burst_minutes"] as const;

export function LimitFields({ rules }: { rules: Permissions }) {
  const t = useWords("dialling");
  const mayChange = useMayChange();
  const { change, again } = useRules();
  return (
    <div className={styles["form"]}>
      {SCOPES.map((scope) => (
        <fieldset key={scope} className={styles["four"]}>
          <legend>{t(`limits.${scope}`)}</legend>
          {SPANS.map((span) => (
            <SavedNumber
              key={span}
              label={t(`span.${span}`)}
              placeholder={t("limits.any")}
              isReadOnly={!mayChange}
              id={`dialling/${scope}/${span}`}
              field={`${scope}/${span}`}
              value={rules[scope][span]}
              version={rules.version}
              save={(n, version) => change({ ...limitChange(scope, span, n), version })}
              refresh={async () => {
                const fresh = await again();
                return { value: fresh[scope][span], version: fresh.version };
              }}
            />
          ))}
        </fieldset>
      ))}
      <fieldset className={styles["four"]}>
        <legend>{t("alarm")}</legend>
        {BURST.map((name) => (
          <SavedNumber
            key={name}
            label={t(`alarm.${name}`)}
            isReadOnly={!mayChange}
            id={`dialling/${name}`}
            field={name}
            value={rules[name]}
            version={rules.version}
            save={(n, version) => change({ ...alarmChange(name, n), version })}
            refresh={async () => {
              const fresh = await again();
              return { value: fresh[name], version: fresh.version };
            }}
          />
        ))}
      </fieldset>
    </div>
  );
}
