/* Keys that work on every page. */

import { useEffect, useMemo } from "react";
import { useNavigate } from "react-router";
import { openKeys, openPalette, useDispatcher, useKeys } from "../keyboard";
import { navOf } from "./nav";
import { useSession } from "./session";

/** Put the focus into the first field that offers itself by `data-filter` or `data-dial`. */
export function focusField(name: "filter" | "dial"): boolean {
  const fields = document.querySelectorAll<HTMLInputElement>(`input[data-${name}]`);
  const seen = [...fields].find((field) => field.offsetParent !== null);
  seen?.focus();
  seen?.select();
  return seen !== undefined;
}

export function useFrameKeys(): void {
  const navigate = useNavigate();
  const dispatcher = useDispatcher();
  const { who } = useSession();
  const items = useMemo(() => navOf(who).flatMap((part) => part.items), [who]);
  useEffect(() => {
    dispatcher.places(Object.fromEntries(items.map((item) => [item.go, () => void navigate(item.path)])));
  }, [dispatcher, items, navigate]);
  useKeys({
    palette: () => openPalette(),
    help: () => openKeys(),
    filter: () => focusField("filter"),
    dial: () => focusField("dial") || openPalette(),
  });
}
