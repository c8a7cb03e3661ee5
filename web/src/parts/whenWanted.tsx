/* A button and what opens from it, which is loaded when it is wanted: when the pointer comes near, by the focus, at the
   latest by the press. What a page needs at once stays small. */

import { lazy, Suspense, useEffect, useRef, useState, type ComponentType, type ReactElement } from "react";
import { persistently } from "./late";

export interface Opening {
  /** The button; it opens by its own `onClick`. */
  target: ReactElement;
  isOpen: boolean;
  onChange: (isOpen: boolean) => void;
}

/** The button until it is opened first, then the part that opens from it. */
export function whenWanted<Props extends Opening>(part: () => Promise<{ default: ComponentType<Props> }>): (props: Props) => ReactElement {
  const load = persistently(part);
  // What `lazy` gives takes the props of its part, which the compiler cannot see through the generic.
  const Body = lazy(load) as unknown as ComponentType<Props>;
  return function Wanted(props: Props) {
    const { target, isOpen } = props;
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
            <Body {...props} />
          </Suspense>
        ) : (
          target
        )}
      </span>
    );
  };
}
