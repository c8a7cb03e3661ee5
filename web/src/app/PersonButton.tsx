/* The button of a person's menu, which is loaded when it is wanted. */

import { useState, type ReactNode } from "react";
import { whenWanted } from "../parts/whenWanted";
import type { NavItem } from "./nav";
import type { PersonItemsProps } from "./PersonItems";

const PersonItems = whenWanted<PersonItemsProps>(() => import("./PersonItems"));

export interface PersonButtonProps {
  /** Pages offered above what concerns the person. */
  items: readonly NavItem[];
  position: "top-start" | "top-end";
  className: string | undefined;
  children: ReactNode;
}

export function PersonButton({ items, position, className, children }: PersonButtonProps) {
  const [isOpen, setOpen] = useState(false);
  const button = (
    <button type="button" className={className} aria-haspopup="menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
      {children}
    </button>
  );
  return <PersonItems items={items} position={position} isOpen={isOpen} onChange={setOpen} target={button} />;
}
