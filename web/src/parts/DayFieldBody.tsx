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

export default function DayFieldBody({ label, name, id, description, width, value, onChange, min, max, error, isReadOnly, onBlur }: DayFieldProps) {
  const t = useWords("parts");
  const { language } = useFormats();
  const day = (given: string | null | undefined) => (given ? readDay(given) : null);
  const [first, last] = [day(min), day(max)];
  return (
    <DateInput
      label={label}
      description={description}
      {...(name ? { "aria-label": name } : {})}
      {...(id ? { id } : {})}
      {...(width ? { w: width } : {})}
      // What an address says may be no day.
      value={day(value)}
      onChange={onChange}
      {...(first ? { minDate: first } : {})}
      {...(last ? { maxDate: last } : {})}
      error={error}
      readOnly={isReadOnly ?? false}
      onBlur={() => onBlur?.()}
      placeholder={t("day.pattern")}
      valueFormat={(at) => writeDay(at.slice(0, 10), language)}
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
