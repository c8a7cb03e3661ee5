/* A telephone number: read in groups, copied as E.164, called by a click. */

import { useFormats } from "../formats";
import { useWords } from "../words";
import { useDial, type DialWish } from "./dialling";
import styles from "./PhoneNumber.module.css";

export interface PhoneNumberProps extends Partial<Omit<DialWish, "number">> {
  number: string | null | undefined;
  /** As text, without the click: in a row that has its own Call. */
  isText?: boolean;
}

export function PhoneNumber({ number, isText, contact, why }: PhoneNumberProps) {
  const t = useWords("parts");
  const f = useFormats();
  const dial = useDial();
  if (!number) return <span className="dim">{t("phone.hidden")}</span>;
  const shown = f.phone(number);
  const copy = (event: React.ClipboardEvent) => {
    event.clipboardData.setData("text/plain", number);
    event.preventDefault();
  };
  if (isText || !dial) {
    return (
      <span className="nowrap" onCopy={copy}>
        {shown}
      </span>
    );
  }
  return (
    <button
      type="button"
      className={styles["number"]}
      aria-label={t("phone.call", { number: shown })}
      onCopy={copy}
      onClick={(event) => {
        event.stopPropagation();
        dial({ number, contact, why });
      }}
    >
      {shown}
    </button>
  );
}
