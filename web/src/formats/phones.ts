/* Telephone numbers as people write them: national form where the country is the reader's, else international. Stored
   and copied as E.164. Groups by the customs of the countries our users call most; others in threes from the end. */

const NBSP = "\u00a0";
const DASH = "\u2011";

interface Country {
  /** Calling code. */
  readonly code: string;
  /** Groups of the national number: the first pattern that fits. */
  readonly groups: readonly (readonly [RegExp, string])[];
  /** What is dialled before a national number within the country. */
  readonly trunk?: string;
}

/** National numbers; `$1 $2-$3` with spaces and dashes that never break. */
const COUNTRIES: Readonly<Record<string, Country>> = {
  RU: { code: "7", groups: [[/^(\d{3})(\d{3})(\d{2})(\d{2})$/, "$1 $2-$3-$4"]], trunk: "8 " },
  KZ: { code: "7", groups: [[/^([67]\d{2})(\d{3})(\d{2})(\d{2})$/, "$1 $2-$3-$4"]], trunk: "8 " },
  PL: {
    code: "48",
    groups: [
      [/^((?:45|5[0137]|6[069]|7[2389]|88)\d)(\d{3})(\d{3})$/, "$1 $2 $3"],
      [/^([5678]00)(\d{3})(\d{3})$/, "$1 $2 $3"],
      [/^(\d{2})(\d{3})(\d{2})(\d{2})$/, "$1 $2 $3 $4"],
    ],
  },
  GB: {
    code: "44",
    groups: [
      [/^(2\d)(\d{4})(\d{4})$/, "$1 $2 $3"],
      [/^(1\d1|11\d|3\d\d)(\d{3})(\d{4})$/, "$1 $2 $3"],
      [/^(\d{4})(\d{6})$/, "$1 $2"],
    ],
    trunk: "0",
  },
  US: { code: "1", groups: [[/^(\d{3})(\d{3})(\d{4})$/, "$1 $2-$3"]] },
  DE: { code: "49", groups: [[/^(1[5-7]\d)(\d{7,8})$/, "$1 $2"], [/^(30|40|69|89)(\d{4,8})$/, "$1 $2"], [/^(\d{3})(\d{4,8})$/, "$1 $2"]], trunk: "0" }, // prettier-ignore
  FR: { code: "33", groups: [[/^(\d)(\d{2})(\d{2})(\d{2})(\d{2})$/, "$1 $2 $3 $4 $5"]], trunk: "0" },
  UA: { code: "380", groups: [[/^(\d{2})(\d{3})(\d{2})(\d{2})$/, "$1 $2 $3 $4"]], trunk: "0" },
  BY: { code: "375", groups: [[/^(\d{2})(\d{3})(\d{2})(\d{2})$/, "$1 $2-$3-$4"]], trunk: "8 0" },
  LV: { code: "371", groups: [[/^(\d{2})(\d{3})(\d{3})$/, "$1 $2 $3"]] },
  LT: { code: "370", groups: [[/^(\d{3})(\d{5})$/, "$1 $2"]], trunk: "0" },
  EE: { code: "372", groups: [[/^(\d{4})(\d{3,4})$/, "$1 $2"]] },
  CZ: { code: "420", groups: [[/^(\d{3})(\d{3})(\d{3})$/, "$1 $2 $3"]] },
  SK: { code: "421", groups: [[/^(\d{3})(\d{3})(\d{3})$/, "$1 $2 $3"]], trunk: "0" },
  ES: { code: "34", groups: [[/^(\d{3})(\d{2})(\d{2})(\d{2})$/, "$1 $2 $3 $4"]] },
  IT: { code: "39", groups: [[/^(3\d{2})(\d{3})(\d{4})$/, "$1 $2 $3"]] },
};
const CODES = /^(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})/;

/** An E.164 number to be read; what is no E.164 number (an extension) as it is; nothing as nothing.
 * @param country of the reader, ISO 3166 such as `PL`; null: none is his own
 */
export function phone(number: string | null | undefined, country: string | null = null): string {
  if (!number) return "";
  if (!/^\+\d{5,15}$/.test(number)) return number;
  const digits = number.slice(1);
  const own = country ? COUNTRIES[country] : undefined;
  if (own && digits.startsWith(own.code) && isOf(own, digits)) {
    const national = grouped(own, digits.slice(own.code.length));
    if (national !== null) return unbroken((own.trunk ?? "") + national);
  }
  return unbroken(international(digits));
}

/** A number whose digits are kept back from who may not see them: `+7 ··· ··-40`. */
export function maskedPhone(number: string): string {
  const digits = number.replace(/\D/g, "");
  const code = CODES.exec(digits)?.[0] ?? "";
  return unbroken(`+${code} ··· ··-${digits.slice(-2)}`);
}

/** What somebody typed, as a number that may be dialled: digits with `+` in front, or null where it is none. */
export function dialable(text: string): string | null {
  const bare = text.trim().replace(/[\s\u00a0().\-\u2010-\u2015/]/g, "");
  if (!/^(?:\+|00)?[\d*#]{2,20}$/.test(bare)) return null;
  return bare.replace(/^00(?=\d{6})/, "+");
}

function isOf(country: Country, digits: string): boolean {
  if (country.code !== "7") return true;
  const isKazakh = /^7[67]/.test(digits);
  return isKazakh === (country === COUNTRIES["KZ"]);
}

function international(digits: string): string {
  for (const country of Object.values(COUNTRIES)) {
    if (!digits.startsWith(country.code)) continue;
    const national = grouped(country, digits.slice(country.code.length));
    if (national !== null) return `+${country.code} ${national}`;
  }
  const code = CODES.exec(digits)?.[0] ?? "";
  const rest = digits.slice(code.length).replace(/(\d)(?=(\d{3})+$)/g, "$1 ");
  return `+${code} ${rest}`;
}

function grouped(country: Country, national: string): string | null {
  for (const [pattern, groups] of country.groups) {
    if (pattern.test(national)) return national.replace(pattern, groups);
  }
  return null;
}

function unbroken(text: string): string {
  return text.replaceAll(" ", NBSP).replaceAll("-", DASH);
}
