/* Language and colours of the page: chosen here or in the profile, kept with the person, at once in this browser. */

import { useMantineColorScheme } from "@mantine/core";
import { useCallback } from "react";
import { api, body, keys, useQueryClient, type Schemas } from "../api";
import { asProblem } from "../api/problem";
import { speak, type Language } from "../words";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export interface Look {
  readonly theme: Theme;
  readonly setTheme: (theme: Theme) => void;
  readonly setLanguage: (language: Language) => void;
}

// `keepTransitions`: to stop them Mantine writes markup into the page, which the policy (Trusted Types) refuses.
export function useLook(): Look {
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const client = useQueryClient();
  const keep = useCallback(
    (change: Pick<Schemas["ProfileChange"], "theme" | "language">) => {
      // What this browser shows is chosen already; a gateway that is away gets it with the next choice.
      void body(api.PATCH("/api/v1/me", { body: change })).then(
        () => client.invalidateQueries({ queryKey: keys.all("profile") }),
        (fault: unknown) => {
          if (!asProblem(fault)) throw fault;
        },
      );
    },
    [client],
  );
  const setTheme = useCallback(
    (theme: Theme) => {
      setColorScheme(theme);
      keep({ theme });
    },
    [setColorScheme, keep],
  );
  const setLanguage = useCallback(
    (language: Language) => {
      // What the gateway said before stands there in the old language.
      void speak(language).then(() => client.invalidateQueries());
      keep({ language });
    },
    [client, keep],
  );
  return { theme: colorScheme, setTheme, setLanguage };
}
