/* A button whose menu is loaded when it is opened first. The entries (`Menu.Item`) come from a lazy component. */

import { lazy, Suspense, useEffect, useRef, useState, type ReactElement, type ReactNode } from "react";
import { persistently } from "./late";

const load = persistently(() => import("./MenuBody"));
const MenuBody = lazy(load);

export interface LateMenuProps {
  /** The button; it opens by its own `onClick`. */
  target: ReactElement;
  isOpen: boolean;
  onChange: (isOpen: boolean) => void;
  position: "top-start" | "top-end" | "bottom-start" | "bottom-end";
  width?: number;
  children: ReactNode;
}

export function LateMenu({ target, ...props }: LateMenuProps) {
  const { isOpen } = props;
  const [isWanted, setWanted] = useState(isOpen);
  if (isOpen && !isWanted) setWanted(true);
  const place = useRef<HTMLSpanElement>(null);
  const wasOpen = useRef(isOpen);
  useEffect(() => {
    // The focus goes back to the button, which is another element than before it was opened first.
    if (wasOpen.current && !isOpen && document.activeElement === document.body) place.current?.querySelector("button")?.focus();
    wasOpen.current = isOpen;
  }, [isOpen]);
  return (
    // The button within takes clicks and keys; the place around it only hears that somebody comes near.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <span ref={place} style={{ display: "contents" }} onPointerEnter={() => void load()} onFocus={() => void load()}>
      {isWanted ? (
        <Suspense fallback={target}>
          <MenuBody target={target} {...props} />
        </Suspense>
      ) : (
        target
      )}
    </span>
  );
}
