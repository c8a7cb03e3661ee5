export { distance, duration, hoursAndMinutes, sum } from "./durations";
export { clock, clockThere, daysFrom, exactClock, isoDay, longDay, moment, shortDay, weekDay, type Reader } from "./moments";
export { byName, initials, tame } from "./names";
export { change, count, growth, money, points, share } from "./numbers";
export { dialable, maskedPhone, phone } from "./phones";
export { useFormats, type Formats } from "./useFormats";
