export function HelpButton(_: { call: string }) {
  return null;
}
