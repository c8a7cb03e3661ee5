/* Once more, for those who may hear everybody's calls: a recording that was given up is taken in again, a text is written
   anew. One key does what is on the screen. */

import { Button } from "@mantine/core";
import { useState } from "react";
import { api, asProblem, body, keys, once, useAct, useQueryClient, type Schemas } from "../api";
import { useSession } from "../app/session";
import { useKeys } from "../keyboard";
import { Icon, KeyOf } from "../parts";
import { useWords } from "../words";
import styles from "./Text.module.css";

type Call = Schemas["CallView"];

const SEND = {
  recording: (call_id: string, key: string) =>
    body(api.POST("/api/v1/calls/{call_id}/recording/retry", { params: { path: { call_id }, header: once(key) } })),
  text: (call_id: string, key: string) =>
    body(
      api.POST("/api/v1/calls/{call_id}/transcript", {
        params: { path: { call_id }, header: once(key) },
        body: { language: "auto", model: null },
      }),
    ),
} as const;

/** @param what is done once more: the recording is taken in, or the text is written */
export function Anew({ call, what }: { call: Call; what: keyof typeof SEND }) {
  const t = useWords("player");
  const client = useQueryClient();
  const mayHearAll = useSession().may("recordings.listen_all");
  const [fault, setFault] = useState<string | null>(null);
  const state = call.recording?.transcript_state;
  const isUnderWay = what === "text" && (state === "wanted" || state === "claimed");
  const act = useAct((_: null, key) => SEND[what](call.id, key), {
    onDone: (recording) => {
      client.setQueryData<Call>(keys.one("calls", call.id), (old) => old && { ...old, recording });
    },
    onFault: (problem) => setFault(asProblem(problem)?.detail ?? ""),
  });
  const canAsk = mayHearAll && !isUnderWay && !act.isPending;
  const ask = () => {
    if (!canAsk) return false;
    setFault(null);
    act.run(null);
    return true;
  };
  useKeys({ "player.anew": ask });
  if (!mayHearAll && !isUnderWay) return null;
  return (
    <p className={styles.note} role="status">
      {isUnderWay ? (
        t("text.asked")
      ) : (
        <Button variant="default" leftSection={<Icon name="refresh" />} rightSection={<KeyOf act="player.anew" />} disabled={act.isPending} onClick={ask}>
          {t(what === "text" ? "text.write" : "sound.again")}
        </Button>
      )}
      {fault !== null && <span className={styles.fault}>{fault}</span>}
    </p>
  );
}
