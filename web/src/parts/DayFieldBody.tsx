/* The field itself, by Mantine's calendar; what it shows is written by Intl as everywhere. */

import { DateInput } from "@mantine/dates";
import "@mantine/dates/styles.layer.css";
import "dayjs/locale/pl";
import "dayjs/locale/ru";
import { useFormats } from "../formats";
import { useWords } from "../words";
import type { DayFieldProps } from "./DayField";
import { readDay, writeDay } from "./days";
import { Icon } from "./Icon";

export default function DayFieldBody({ label, name, id, value, onChange, min, max, error, isReadOnly, onBlur }: DayFieldProps) {
  const t = useWords("parts");
  const { language } = useFormats();
  return (
    <DateInput
      label={label}
      {...(name ? { "aria-label": name } : {})}
      {...(id ? { id } : {})}
      value={value}
      onChange={onChange}
      {...(min ? { minDate: min } : {})}
      {...(max ? { maxDate: max } : {})}
      error={error}
      readOnly={isReadOnly ?? false}
      onBlur={() => onBlur?.()}
      placeholder={t("day.pattern")}
      valueFormat={(day) => writeDay(day.slice(0, 10), language)}
      dateParser={readDay}
      locale={language}
      firstDayOfWeek={1}
      allowDeselect
      previousLabel={t("calendar.previous")}
      nextLabel={t("calendar.next")}
      rightSection={<Icon name="calendar" size={14} />}
      rightSectionPointerEvents="none"
    />
  );
}
