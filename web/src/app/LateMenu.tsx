/* A button whose menu is loaded when it is wanted: by the pointer near it, by the focus, at the latest by the press. */

import { lazy, Suspense, useState, type ReactNode } from "react";
import type { NavItem } from "./nav";
import { persistently } from "../parts/late";

const load = persistently(() => import("./PersonItems"));
const PersonItems = lazy(load);

export interface LateMenuProps {
  /** Pages offered above what concerns the person. */
  items: readonly NavItem[];
  position: "top-start" | "top-end";
  className: string | undefined;
  label?: string;
  children: ReactNode;
}

export function LateMenu({ items, position, className, label, children }: LateMenuProps) {
  const [isWanted, setWanted] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const open = () => {
    setWanted(true);
    setOpen(!isOpen);
  };
  const button = (
    <button
      type="button"
      className={className}
      aria-label={label}
      aria-haspopup="menu"
      aria-expanded={isOpen}
      onClick={open}
      onFocus={() => void load()}
      onPointerEnter={() => void load()}
    >
      {children}
    </button>
  );
  if (!isWanted) return button;
  return (
    <Suspense fallback={button}>
      <PersonItems items={items} position={position} isOpen={isOpen} onChange={setOpen} target={button} />
    </Suspense>
  );
}
