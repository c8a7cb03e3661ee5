/* Ctrl+K: one field for everything. A combobox: the focus stays in the field, arrows move, Enter opens, Ctrl+Enter calls. */

import { Modal } from "@mantine/core";
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { Icon } from "../parts/Icon";
import { Key, KeyOf } from "../parts/Key";
import { useWords } from "../words";
import { closeOverlay, overlays } from "./openers";
import styles from "./Palette.module.css";
import { usePaletteItems, type PaletteItem } from "./usePaletteItems";

export default function Palette() {
  const t = useWords("shell");
  return (
    <Modal
      opened
      onClose={closeOverlay}
      withCloseButton={false}
      centered={false}
      yOffset={96}
      size={560}
      padding={0}
      title={t("palette.title")}
      classNames={{ header: styles.head ?? "" }}
      transitionProps={{ duration: 0 }}
      overlayProps={{ backgroundOpacity: 0.25 }}
    >
      <Search />
    </Modal>
  );
}

function Search() {
  const t = useWords("shell");
  const list = useId();
  const [typed, setTyped] = useState(overlays.text);
  const [at, setAt] = useState(0);
  const { items, isSearching } = usePaletteItems(typed);
  const index = Math.min(at, Math.max(0, items.length - 1));
  const place = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    place.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [index]);

  const run = (act: (() => void) | undefined) => {
    if (!act) return;
    closeOverlay();
    act();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const item = items[index];
    if (event.code === "ArrowDown") setAt((index + 1) % Math.max(1, items.length));
    else if (event.code === "ArrowUp") setAt((index - 1 + items.length) % Math.max(1, items.length));
    else if (event.code === "Enter" || event.code === "NumpadEnter") run(event.ctrlKey || event.metaKey ? item?.call : item?.run);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className={styles.palette}>
      <div className={styles.field}>
        <Icon name="search" />
        <input
          ref={field}
          data-autofocus
          role="combobox"
          aria-expanded={items.length > 0}
          aria-controls={list}
          aria-activedescendant={items[index] ? `${list}-${index}` : undefined}
          aria-label={t("palette.title")}
          placeholder={t("palette.placeholder")}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={pressed}
        />
      </div>
      <div ref={place} id={list} role="listbox" aria-label={t("palette.title")} className={styles.list}>
        {items.map((item, number) => (
          <Item
            key={item.id}
            id={`${list}-${number}`}
            item={item}
            isFirst={items[number - 1]?.group !== item.group}
            isCurrent={number === index}
            onPoint={() => setAt(number)}
            onRun={() => run(item.run)}
          />
        ))}
      </div>
      <p className={styles.word} role="status">
        {items.length === 0 ? t(isSearching ? "palette.searching" : "palette.nothing") : null}
      </p>
    </div>
  );
}

interface ItemProps {
  id: string;
  item: PaletteItem;
  isFirst: boolean;
  isCurrent: boolean;
  onPoint: () => void;
  onRun: () => void;
}

function Item({ id, item, isFirst, isCurrent, onPoint, onRun }: ItemProps) {
  const t = useWords("shell");
  return (
    <>
      {isFirst && item.group !== "dial" && (
        <div role="presentation" className={styles.group}>
          {t(`palette.${item.group}`)}
        </div>
      )}
      {/* Keys are the field's, by aria-activedescendant. */}
      {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events */}
      <div id={id} role="option" tabIndex={-1} aria-selected={isCurrent} className={styles.item} onPointerMove={onPoint} onClick={onRun}>
        <Icon name={item.icon} />
        <span className={styles.title}>
          <b className="cut">{item.title}</b>
          {item.sub && <small className="cut">{item.sub}</small>}
        </span>
        {item.act && <KeyOf act={item.act} />}
        {item.call && isCurrent && (
          <span className={styles.call}>
            <Icon name="phone" size={14} /> <Key>Ctrl</Key>
            <Key>↵</Key>
          </span>
        )}
        {isCurrent && !item.act && <Key>↵</Key>}
      </div>
    </>
  );
}
