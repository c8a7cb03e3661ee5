/* "Ask for help": a supervisor sees it on his board and comes; it ends with the call. */

import { useState } from "react";
import { api, body, keys, once, useAct, useFacts, useQuery, useQueryClient, type Schemas } from "../api";
import { useSession } from "../app/session";
import { tame } from "../formats";
import { LatePopover } from "../parts/LatePopover";
import { useWords } from "../words";
import styles from "./Help.module.css";
import { useFaultWords } from "./orders";
import { BandButton } from "./Parts";
import { focusOnce } from "./focus";
import { say } from "./store";
import { late } from "../parts/late";

const TextInput = late(() => import("./HelpText"));

type Ask = Schemas["HelpView"];

/** His own open ask; null: he asks for none. */
export function useOwnAsk(): Ask | null {
  const me = useSession().userId;
  const client = useQueryClient();
  const queryKey = keys.one("states", me ?? 0, "help");
  const query = useQuery({
    queryKey,
    queryFn: async (): Promise<Ask | null> => (await body(api.GET("/api/v1/help"))).items.find((ask) => ask.user === me) ?? null,
    enabled: me !== null,
  });
  useFacts(({ kind, body: told }) => {
    if (kind.startsWith("help.") && told["user"] === me) client.setQueryData(queryKey, kind === "help.closed" ? null : (told as unknown as Ask));
  });
  return query.data ?? null;
}

export function HelpButton({ call }: { call: string }) {
  const t = useWords("band");
  const ask = useOwnAsk();
  const [isOpen, setOpen] = useState(false);
  const [text, setText] = useState("");
  const faultWords = useFaultWords();
  const onFault = (fault: unknown) => say(faultWords(fault));
  const send = useAct((words: string, key) => body(api.POST("/api/v1/help", { params: { header: once(key) }, body: { text: words, call } })), {
    onDone: () => {
      setText("");
      setOpen(false);
      say(t("help.asked"), false);
    },
    onFault,
  });
  const takeBack = useAct(
    (id: number, key) => body(api.POST("/api/v1/help/{help_id}/close", { params: { path: { help_id: id }, header: once(key) }, body: {} })),
    { onDone: () => setOpen(false), onFault },
  );
  const word = ask === null ? t("help") : ask.taken_name ? t("help.comes", { name: tame(ask.taken_name) }) : t("help.asked");
  return (
    <LatePopover
      isOpen={isOpen}
      onChange={setOpen}
      width={300}
      target={
        <BandButton icon="help" isIcon aria-label={word} title={word} aria-pressed={ask !== null} onClick={() => setOpen(!isOpen)} />
      }
    >
      {ask ? (
        <div className={styles["asked"]}>
          <p>{word}</p>
          <BandButton onClick={() => takeBack.run(ask.id)}>{t("help.take")}</BandButton>
        </div>
      ) : (
        <form
          className={styles["asked"]}
          onSubmit={(event) => {
            event.preventDefault();
            send.run(text);
          }}
        >
          <TextInput label={t("help")} placeholder={t("help.placeholder")} maxLength={300} value={text} onChange={(event) => setText(event.currentTarget.value)} ref={focusOnce} />
          <BandButton type="submit" look="main">
            {t("help.send")}
          </BandButton>
        </form>
      )}
    </LatePopover>
  );
}
