/* A button whose menu is loaded when it is wanted. The entries (`Menu.Item`) come from a lazy component. */

import type { ReactNode } from "react";
import { whenWanted, type Opening } from "./whenWanted";

export interface LateMenuProps extends Opening {
  position: "top-start" | "top-end" | "bottom-start" | "bottom-end";
  width?: number;
  children: ReactNode;
}

export const LateMenu = whenWanted<LateMenuProps>(() => import("./MenuBody"));
