/* A button with something under it that is loaded when it is wanted. */

import type { ReactNode } from "react";
import { whenWanted, type Opening } from "./whenWanted";

export interface LatePopoverProps extends Opening {
  position?: "bottom" | "bottom-start" | "bottom-end" | "top-start" | "top-end";
  width?: number;
  /** Without inner distance, for lists. */
  isFlush?: boolean;
  onKeyDown?: (event: React.KeyboardEvent) => void;
  /** May be lazy itself. */
  children: ReactNode;
}

export const LatePopover = whenWanted<LatePopoverProps>(() => import("./PopoverBody"));
