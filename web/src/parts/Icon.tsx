/* An icon. It says nothing to a screen reader: a word stands beside it, or the button has a name. */

import { ICONS, type IconName } from "./iconPaths";

export type { IconName };

/** Made of dots, which a thin stroke would lose. */
const DOTTED: ReadonlySet<IconName> = new Set(["dialpad", "more", "drag"]);
const FILLED: ReadonlySet<IconName> = new Set(["play"]);

export function Icon({ name, size = 16, className }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill={FILLED.has(name) ? "currentColor" : "none"}
      stroke="currentColor"
      strokeWidth={DOTTED.has(name) ? 2 : size > 18 ? 1.25 : 1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
      className={className}
    >
      {ICONS[name].map((d) => (
        <path key={d} d={d} />
      ))}
    </svg>
  );
}
