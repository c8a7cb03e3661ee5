import { Popover } from "@mantine/core";
import { Suspense } from "react";
import type { LatePopoverProps } from "./LatePopover";
import { SkeletonBlock } from "./Skeleton";

/** The popover itself; see LatePopover. */
export default function PopoverBody({ target, isOpen, onChange, position = "bottom-end", width, isFlush, onKeyDown, children }: LatePopoverProps) {
  return (
    <Popover opened={isOpen} onChange={onChange} position={position} trapFocus returnFocus {...(width ? { width } : {})}>
      <Popover.Target>{target}</Popover.Target>
      <Popover.Dropdown {...(isFlush ? { p: 0 } : {})} {...(onKeyDown ? { onKeyDown } : {})}>
        <Suspense fallback={<SkeletonBlock height={80} />}>{children}</Suspense>
      </Popover.Dropdown>
    </Popover>
  );
}
