/* The button that calls. */

import { ActionIcon, Button } from "@mantine/core";
import { useFormats } from "../formats";
import { useWords } from "../words";
import { useDial, type DialWish } from "./dialling";
import { Icon } from "./Icon";

export interface CallButtonProps extends DialWish {
  /** The word upon it; else the icon alone, named by the number. */
  word?: string;
  isMain?: boolean;
  size?: "xs" | "sm";
}

/** Nothing for who has no phone. */
export function CallButton({ word, isMain, size = "xs", ...wish }: CallButtonProps) {
  const t = useWords("parts");
  const f = useFormats();
  const dial = useDial();
  if (!dial) return null;
  const name = t("phone.call", { number: f.phone(wish.number) });
  const variant = isMain ? "filled" : "default";
  if (!word) {
    return (
      <ActionIcon variant={variant} size={size} aria-label={name} onClick={() => dial(wish)}>
        <Icon name="phone" />
      </ActionIcon>
    );
  }
  return (
    <Button variant={variant} size={size} leftSection={<Icon name="phone" />} onClick={() => dial(wish)}>
      {word}
    </Button>
  );
}
