/** Why a browser gives no microphone: `denied` by the person or the page's address, or `missing`. */
export function whyNoMicrophone(fault: unknown): "denied" | "missing" {
  const name = fault instanceof Error ? fault.name : "";
  return name === "NotFoundError" || name === "OverconstrainedError" || name === "NotReadableError" ? "missing" : "denied";
}
