/* An entry of a LateMenu: it comes with the menu, when that is opened first. */

import type { ReactNode } from "react";
import { late } from "./late";

export interface MenuActProps {
  icon?: ReactNode;
  right?: ReactNode;
  onClick: () => void;
  children: ReactNode;
}

export const MenuAct = late(() => import("./MenuItemBody"));
