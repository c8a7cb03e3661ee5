/* The number pad over the page of a small screen. */

import { useEffect, useState } from "react";
import { useKeys } from "../keyboard";
import { Icon } from "../parts";
import { useWords } from "../words";
import styles from "./DialField.module.css";
import { NumberPad } from "./NumberPad";
import { closeDial } from "./opener";
import { usePlacing } from "./placing";
import { erased, pressed, read } from "./read";
import { useVerdict } from "./useVerdict";
import { VerdictLine } from "./VerdictLine";

export default function DialSheet() {
  const t = useWords("band");
  const [text, setText] = useState("");
  const place = usePlacing();
  const typed = read(text);
  const number = typed.kind === "number" ? typed.number : null;
  const verdict = useVerdict(number);
  const canCall = number !== null && verdict?.allowed !== false;
  useKeys({ leave: closeDial });
  useEffect(() => closeDial, []);
  const call = () => {
    if (number === null) return;
    void place({ number });
    closeDial();
  };
  return (
    <section className={styles["over"]} aria-label={t("dial.title")}>
      <div className={styles["sheet"]}>
        <input
          className={styles["number"]}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && canCall) call();
          }}
          inputMode="tel"
          autoComplete="off"
          maxLength={64}
          aria-label={t("dial.label")}
        />
        {number !== null && <VerdictLine verdict={verdict} />}
        <NumberPad isLarge onPress={(digit) => setText(pressed(text, digit))} />
        <div className={styles["row"]}>
          <button type="button" className={styles["call"]} disabled={!canCall} onClick={call}>
            <Icon name="phone" />
            {t("dial.call")}
          </button>
          <button type="button" className={styles["small"]} aria-label={t("dial.erase")} onClick={() => setText(erased(text))} disabled={text === ""}>
            <Icon name="left" />
          </button>
          <button type="button" className={styles["small"]} aria-label={t("dial.close")} onClick={closeDial}>
            <Icon name="close" />
          </button>
        </div>
      </div>
    </section>
  );
}
