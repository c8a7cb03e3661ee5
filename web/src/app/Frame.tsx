/* The frame around every page: rail or bottom bar, the band of the phone, and the page. Focus goes skip link, band,
   rail, page, side. */

import { Suspense, useEffect, useRef } from "react";
import { Outlet, useLocation } from "react-router";
import { Band } from "../band";
import { Overlays } from "../keyboard/Overlays";
import { useWords } from "../words";
import { BottomBar } from "./BottomBar";
import styles from "./Frame.module.css";
import { Leaving } from "./Leaving";
import { Rail } from "./Rail";
import { useSession } from "./session";
import { SessionOver } from "./SessionOver";
import { useFrameKeys } from "./useFrameKeys";
import { useOwnCounts } from "./useOwnCounts";
import { late } from "../parts/late";

const Softphone = late(() => import("../softphone/Softphone"));

export function Frame() {
  const t = useWords("shell");
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  useFrameKeys();
  useOwnCounts();
  const { who, may } = useSession();
  const hasPhone = who.phones.length > 0 && may("calls.control_own");
  useEffect(() => {
    // In braces: newer browsers answer with a promise, which is no way to end an effect.
    main.current?.scrollTo(0, 0);
  }, [pathname]);
  return (
    <div className={styles["frame"]}>
      <a
        className={styles["skip"]}
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t("skip")}
      </a>
      <div className={styles["band"]}>
        <Band />
        <SessionOver />
        <Leaving />
      </div>
      <Rail className={styles["rail"]} />
      <main id="main" ref={main} tabIndex={-1} className={styles["main"]}>
        <Outlet />
      </main>
      <BottomBar className={styles["bar"]} />
      <Overlays />
      {hasPhone && (
        <Suspense>
          <Softphone />
        </Suspense>
      )}
    </div>
  );
}
