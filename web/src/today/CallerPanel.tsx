/* At the right of the day: the card of who rings, unless somebody types there; else what was chosen. */

import { useState, type ReactNode } from "react";
import { Button } from "@mantine/core";
import { Icon, SidePanel } from "../parts";
import { useOpenCalls } from "../api";
import { useSession } from "../app/session";
import { useWords } from "../words";
import { Glance } from "./Glance";

export function CallerPanel({ fallback }: { fallback: ReactNode }) {
  const t = useWords("today");
  const me = useSession().userId;
  const calls = useOpenCalls();
  const [away, setAway] = useState<string | null>(null);
  const mine = [...calls.values()].find((call) => call.contact_id !== null && call.managers.some((manager) => manager.user_id === me));
  if (!mine || mine.id === away || mine.contact_id === null) return fallback;
  const isRinging = mine.state === "ringing";
  return (
    <SidePanel
      label={t("caller")}
      tone={isRinging ? "ring" : "talk"}
      acts={
        <Button size="xs" variant="subtle" color="gray" leftSection={<Icon name="left" />} onClick={() => setAway(mine.id)}>
          {t("caller.back")}
        </Button>
      }
    >
      <Glance contact={mine.contact_id} call={mine.id} />
    </SidePanel>
  );
}
