/* What something means, shown while one points at it or has the focus on it, and told to those who hear the page. The
   hint itself is loaded when it is wanted first. */

import { cloneElement, Suspense, useState, type ReactElement, type SyntheticEvent } from "react";
import { late } from "./late";

const TooltipBody = late(() => import("./TooltipBody"));

/** @param children one element, which takes `aria-description` */
export function Definition({ text, children }: { text: string; children: ReactElement<{ "aria-description"?: string }> }) {
  const [target, setTarget] = useState<HTMLElement | null>(null);
  const show = (event: SyntheticEvent<HTMLElement>) => setTarget(event.currentTarget.firstElementChild as HTMLElement | null);
  const hide = () => setTarget(null);
  return (
    // What stands within takes clicks and keys; the place around it only hears that somebody comes near.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <span style={{ display: "contents" }} onPointerEnter={show} onPointerLeave={hide} onFocus={show} onBlur={hide}>
      {cloneElement(children, { "aria-description": text })}
      {target && (
        <Suspense>
          <TooltipBody target={target} text={text} />
        </Suspense>
      )}
    </span>
  );
}
