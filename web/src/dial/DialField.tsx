/* The dial field of the band: a name or a number in any form, what will be dialled, and Enter. */

import { useEffect, useId, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { api, body, useQuery } from "../api";
import { useFormats } from "../formats";
import { Icon, Key, KeyOf } from "../parts";
import { useWords } from "../words";
import styles from "./DialField.module.css";
import { usePlacing } from "./placing";
import { read } from "./read";
import { useVerdict } from "./useVerdict";
import { VerdictLine } from "./VerdictLine";

const MOST = 6;

export function DialField() {
  const t = useWords("band");
  const id = useId();
  const [text, setText] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const place = usePlacing();
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const typed = read(text);
  const number = typed.kind === "number" ? typed.number : null;
  const verdict = useVerdict(number);
  const people = usePeople(typed.kind === "words" && text.trim().length > 1 ? typed.words : null);
  const chosen = people[Math.min(at, people.length - 1)];
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, []);
  const close = () => {
    setText("");
    setOpen(false);
  };
  const call = (wish: { number: string; contact?: number }) => {
    void place(wish);
    close();
  };
  const enter = () => {
    if (number !== null) return verdict?.allowed === false ? undefined : call({ number });
    const first = chosen?.phones[0];
    if (chosen && first) return call({ number: first.number, contact: chosen.id });
    if (chosen) void navigate(`/clients/${chosen.id}`);
  };
  const key = (event: React.KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Enter") enter();
    else if (event.key === "Escape") {
      close();
      event.currentTarget.blur();
    } else if (event.key === "ArrowDown") setAt(Math.min(people.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else return;
    event.preventDefault();
  };
  return (
    <div className={styles["field"]} ref={box}>
      <Icon name="phone" size={16} />
      <input
        data-dial
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
          setAt(0);
        }}
        onFocus={() => setOpen(true)}
        onKeyDown={key}
        placeholder={t("dial.label")}
        aria-label={t("dial.label")}
        aria-describedby={isOpen ? id : undefined}
        autoComplete="off"
        spellCheck={false}
        inputMode="search"
        maxLength={64}
      />
      <KeyOf act="dial" />
      {isOpen && typed.kind !== "nothing" && (
        <div id={id} className={styles["found"]}>
          {number !== null ? (
            <>
              <VerdictLine verdict={verdict} />
              {verdict?.allowed !== false && (
                <button type="button" className={styles["person"]} data-chosen onClick={enter}>
                  <Icon name="phone" size={14} />
                  <b>{t("dial.call")}</b>
                  <Key>↵</Key>
                </button>
              )}
            </>
          ) : (
            <>
              {people.map((person, place_) => (
                <Person key={person.id} person={person} isChosen={person === chosen} onPoint={() => setAt(place_)} onCall={call} />
              ))}
              {people.length === 0 && <p className={styles["verdict"]}>{t("dial.nobody")}</p>}
            </>
          )}
        </div>
      )}
    </div>
  );
}

interface Found {
  readonly id: number;
  readonly name: string;
  readonly phones: readonly { readonly number: string }[];
}

function usePeople(words: string | null): readonly Found[] {
  const query = useQuery({
    queryKey: ["search", "list", "dial", words],
    queryFn: async () => (await body(api.GET("/api/v1/search", { params: { query: { q: words ?? "", where: ["contacts"], limit: MOST } } }))).contacts,
    enabled: words !== null,
    placeholderData: (before) => before,
  });
  return words === null ? [] : (query.data ?? []);
}

function Person({ person, isChosen, onPoint, onCall }: { person: Found; isChosen: boolean; onPoint: () => void; onCall: (wish: { number: string; contact: number }) => void }) {
  const f = useFormats();
  const first = person.phones[0];
  return (
    <button
      type="button"
      className={styles["person"]}
      data-chosen={isChosen || undefined}
      onPointerMove={onPoint}
      disabled={!first}
      onClick={() => first && onCall({ number: first.number, contact: person.id })}
    >
      <b className="cut">{f.client(person.name, first?.number)}</b>
      <span className="nowrap">{f.phone(first?.number)}</span>
      {isChosen && <Key>↵</Key>}
    </button>
  );
}
