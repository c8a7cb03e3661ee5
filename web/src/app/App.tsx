/* The whole page: what everything stands in, and whether somebody is signed in. */

import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { Suspense } from "react";
import { LiveProvider, queryClient } from "../api";
import { KeyboardProvider } from "../keyboard";
import { Failed } from "../parts/Failed";
import { ToastProvider } from "../parts/Toast";
import { styleNonce, theme } from "../theme";
import { loadFirst, Pages } from "./routes";
import { SessionProvider, useDoor } from "./session";
import { late } from "../parts/late";

const SignInPage = late(() => import("./SignInPage"));

const scheme = localStorageColorSchemeManager({ key: "trunkline.theme" });

export function App() {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={scheme}
      withCssVariables={false}
      withGlobalClasses={false}
      getStyleNonce={styleNonce}
    >
      <QueryClientProvider client={queryClient}>
        <SessionProvider load={loadFirst}>
          <Suspense>
            <Within />
          </Suspense>
        </SessionProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Within() {
  const { state, ask } = useDoor();
  if (state.kind === "asking") return null;
  if (state.kind === "failed") return <Failed problem={state.problem} retry={ask} isPage />;
  if (state.kind === "out") return <SignInPage />;
  return <Workplace key={state.who.id} />;
}

function Workplace() {
  return (
    <LiveProvider>
      <KeyboardProvider>
        <ToastProvider>
          <Pages />
        </ToastProvider>
      </KeyboardProvider>
    </LiveProvider>
  );
}
