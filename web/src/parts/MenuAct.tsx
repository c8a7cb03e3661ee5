/* An entry of a LateMenu: it comes with the menu, when that is opened first. */

import { lazy, type ReactNode } from "react";
import { persistently } from "./late";

export interface MenuActProps {
  icon?: ReactNode;
  right?: ReactNode;
  onClick: () => void;
  children: ReactNode;
}

export const MenuAct = lazy(persistently(() => import("./MenuItemBody")));
