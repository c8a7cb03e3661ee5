/* The button that gives a call away: at once, or after asking. What it opens is loaded when it is wanted. */

import { useState } from "react";
import type { LiveCall } from "../api";
import { LatePopover } from "../parts/LatePopover";
import { BandButton } from "./Parts";
import { late } from "../parts/late";

const Picker = late(() => import("./TransferPicker"));

export interface TransferProps {
  call: LiveCall;
  word: string;
  /** Of a call that still rings: it is sent on unanswered. */
  isPassing?: boolean;
  isOpen?: boolean;
  onOpen?: (isOpen: boolean) => void;
}

export function TransferButton({ call, word, isPassing = false, isOpen, onOpen }: TransferProps) {
  const [own, setOwn] = useState(false);
  const opened = isOpen ?? own;
  const setOpen = onOpen ?? setOwn;
  return (
    <LatePopover
      isOpen={opened}
      onChange={setOpen}
      width={380}
      isFlush
      target={
        <BandButton icon="transfer" onClick={() => setOpen(!opened)} aria-expanded={opened} data-optional>
          {word}
        </BandButton>
      }
    >
      <Picker call={call} isPassing={isPassing} onDone={() => setOpen(false)} />
    </LatePopover>
  );
}
