/* Digits for the client's menu, while one talks: clicked, or typed while the pad is open. */

import { useState } from "react";
import { useWords } from "../words";
import { LatePopover } from "../parts/LatePopover";
import { useCallOrders } from "./orders";
import { BandButton } from "./Parts";
import styles from "./Keypad.module.css";
import { late } from "../parts/late";

const NumberPad = late(async () => ({ default: (await import("../dial/NumberPad")).NumberPad }));

export function Keypad({ call }: { call: string }) {
  const t = useWords("band");
  const orders = useCallOrders();
  const [isOpen, setOpen] = useState(false);
  const [sent, setSent] = useState("");
  const press = (digit: string) => {
    setSent((before) => (before + digit).slice(-16));
    void orders.digits(call, digit);
  };
  return (
    <LatePopover
      isOpen={isOpen}
      onChange={setOpen}
      position="bottom"
      target={<BandButton icon="dialpad" isIcon aria-label={t("keypad")} title={t("keypad")} onClick={() => setOpen(!isOpen)} />}
      onKeyDown={(event) => {
        if (/^[0-9*#]$/.test(event.key)) press(event.key);
      }}
    >
      <output className={styles["sent"]}>{sent || t("keypad.hint")}</output>
      <NumberPad onPress={press} />
    </LatePopover>
  );
}
