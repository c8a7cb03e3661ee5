/* The phone of whoever is signed in, without a place on the screen: it runs as long as the frame stands, and offers
   itself to the band. */

import { useEffect, useState } from "react";
import { useFacts } from "../api";
import { useSession } from "../app/session";
import { offerPagePhone } from "../band/pagePhone";
import { ringing, talking, type PhoneState } from "./calls";
import { gateway } from "./gateway";
import { Phone, setPhone, useSoftphone, type Act } from "./phone";

const makeEngine = async () => {
  const { SipEngine } = await import("./sipEngine");
  return (...parts: ConstructorParameters<typeof SipEngine>) => new SipEngine(...parts);
};

export default function Softphone() {
  const { id, may } = useSession();
  const [phone] = useState(() => new Phone(gateway, makeEngine));
  const mayCall = may("calls.control_own");
  useEffect(() => {
    if (!mayCall) return;
    setPhone(phone);
    phone.start(id);
    return () => {
      phone.stop();
      setPhone(null);
    };
  }, [phone, id, mayCall]);
  useFacts((fact) => {
    if (fact.kind === "call.ended" && typeof fact.body["id"] === "string") phone.callEnded(fact.body["id"]);
  });
  const { state, act } = useSoftphone();
  useEffect(() => offerPagePhone(asBandSees(state, act)), [state, act]);
  return null;
}

/** What the band needs to know; null: no call can come here. */
export function asBandSees(state: PhoneState, act: (act: Act) => void) {
  if (state.line !== "ready" && state.calls.length === 0) return null;
  const [rings, talks] = [ringing(state.calls), talking(state.calls)];
  return {
    isReady: state.line === "ready",
    isRinging: rings !== null,
    isTalking: talks !== null,
    isMuted: talks?.isMuted ?? false,
    answer: () => act({ do: "answer" }),
    hangUp: () => act({ do: "hang_up" }),
    mute: (on: boolean) => act({ do: "mute", on }),
  };
}
