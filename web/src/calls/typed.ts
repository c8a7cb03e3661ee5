import { useState } from "react";

/** What is typed into a field of an address; what the address gets from elsewhere takes its place. */
export function useTyped(given: string): [string, (text: string) => void] {
  const [state, setState] = useState({ given, text: given });
  if (state.given !== given) setState({ given, text: given });
  return [state.given === given ? state.text : given, (text) => setState({ given, text })];
}
