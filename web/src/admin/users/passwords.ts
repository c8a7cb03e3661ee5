/* Passwords that are read out or typed off: no signs that look like others. */

const SIGNS = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ234679";

/** A new password of four groups.
 * @param random gives so many bytes
 */
export function newPassword(random: (bytes: number) => Uint8Array = (bytes) => crypto.getRandomValues(new Uint8Array(bytes))): string {
  const signs: string[] = [];
  while (signs.length < 20) {
    for (const byte of random(32)) {
      // Bytes behind the last whole round are left out, so that every sign is as likely as any other.
      if (byte < 256 - (256 % SIGNS.length) && signs.length < 20) signs.push(SIGNS[byte % SIGNS.length] ?? "");
    }
  }
  return [0, 5, 10, 15].map((at) => signs.slice(at, at + 5).join("")).join("-");
}
