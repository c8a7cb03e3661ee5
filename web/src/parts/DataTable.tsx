/* A list of any length: cursor pages, server sorts, columns chosen per person, keys J K Enter X, "3 new, show" (`.`),
   two lines a row where the screen is narrow. Rows never move by themselves. */

import { Button, Checkbox } from "@mantine/core";
import { useCallback, useEffect, useMemo, useRef, useState, type Key, type ReactNode } from "react";
import { asProblem, type Pages } from "../api";
import { useKeys } from "../keyboard";
import { useWords } from "../words";
import styles from "./DataTable.module.css";
import { Failed } from "./Failed";
import { Icon } from "./Icon";
import { KeyOf } from "./Key";
import { SkeletonRows } from "./Skeleton";

export interface Column<Row> {
  readonly name: string;
  readonly head: ReactNode;
  readonly cell: (row: Row) => ReactNode;
  /** CSS width; else as the content and the rest want. */
  readonly width?: string;
  readonly isNumber?: boolean;
  /** Name of the server's order, if it sorts by it. */
  readonly sort?: string;
  /** On narrow screens: `main` first line, `second` below it, `end` at the right, `none` not at all. */
  readonly narrow?: "main" | "second" | "end" | "none";
}

export interface DataTableProps<Row> {
  /** What is listed, for a screen reader. */
  label: string;
  columns: readonly Column<Row>[];
  /** Names of the columns shown, in their order (see ColumnChoice); else all. */
  shown?: readonly string[];
  pages: Pages<Row>;
  keyOf: (row: Row) => Key;
  /** The row as a sentence, for a screen reader. */
  sentence?: (row: Row) => string;
  onOpen?: (row: Row) => void;
  /** Where a row leads: with Ctrl, Shift or the middle button it opens in a tab of its own. */
  addressOf?: (row: Row) => string;
  /** The key of the row that is open beside the list. */
  current?: Key | null;
  /** What stands where there is nothing. */
  empty: ReactNode;
  /** Facts since the list was read, and how to show them. */
  news?: number;
  onNews?: () => void;
  sort?: { readonly by: string; readonly isDown: boolean };
  onSort?: (by: string, isDown: boolean) => void;
  /** Chosen rows, for acts upon many. */
  selected?: ReadonlySet<Key>;
  onSelect?: (selected: ReadonlySet<Key>) => void;
  /** What can be done with the chosen; stands in the place of the head. */
  bulk?: ReactNode;
  /** Keys and acts of one row: the one that has the focus. */
  onFocusRow?: (row: Row | null) => void;
  /** 36 for one line, 46 for two. */
  rowHeight?: 36 | 46;
  toneOf?: (row: Row) => "miss" | "dim" | undefined;
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { columns, shown, pages, keyOf, onOpen, addressOf, empty, selected, onSelect, label } = props;
  const news = (props.news ?? 0) + pages.missed;
  const onNews = props.onNews ?? (() => void pages.query.refetch());
  const t = useWords("parts");
  const list = useRef<HTMLTableSectionElement>(null);
  const [at, setAt] = useState(0);
  const rows = pages.rows;
  const visible = useMemo(
    () => (shown ? shown.flatMap((name) => columns.find((column) => column.name === name) ?? []) : columns),
    [columns, shown],
  );

  const focus = useCallback((index: number) => {
    const row = list.current?.rows[index];
    if (!row) return false;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
    return true;
  }, []);
  const move = useCallback(
    (step: number) => {
      const inside = list.current?.contains(document.activeElement) ?? false;
      return focus(inside ? at + step : Math.min(at, (rows?.length ?? 1) - 1));
    },
    [at, focus, rows],
  );
  const toggle = useCallback(
    (row: Row) => {
      if (!onSelect) return false;
      const next = new Set(selected);
      if (!next.delete(keyOf(row))) next.add(keyOf(row));
      onSelect(next);
      return true;
    },
    [keyOf, onSelect, selected],
  );
  const onRow = (act: (row: Row) => unknown) => () => {
    const inside = list.current?.contains(document.activeElement) ?? false;
    const row = rows?.[at];
    return inside && row !== undefined ? act(row) : false;
  };
  useKeys({
    "list.next": () => move(1),
    "list.previous": () => move(-1),
    ...(onOpen ? { "list.open": onRow((row) => onOpen(row)) } : {}),
    ...(onSelect ? { "list.select": onRow(toggle) } : {}),
    "list.news": () => (news > 0 ? onNews() : false),
  });

  if (rows === undefined) {
    const fault = pages.query.error ?? (pages.query.failureCount > 1 ? pages.query.failureReason : null);
    if (!fault) return <SkeletonRows height={props.rowHeight ?? 36} />;
    return <Failed problem={asProblem(fault)} retry={() => void pages.query.refetch()} />;
  }
  const chosen = selected?.size ?? 0;
  const all = rows.length > 0 && rows.every((row) => selected?.has(keyOf(row)));
  return (
    <div className={styles["table"]} data-old={pages.isOld ? true : undefined} aria-busy={pages.isOld ? true : undefined}>
      {news > 0 && (
        <button type="button" className={styles["news"]} onClick={onNews}>
          {t("table.news", { count: news })} <KeyOf act="list.news" />
        </button>
      )}
      {chosen > 0 && (
        <div className={styles["bulk"]} role="toolbar" aria-label={t("table.selected", { count: chosen })}>
          <b>{t("table.selected", { count: chosen })}</b>
          {props.bulk}
          <Button size="xs" variant="subtle" onClick={() => onSelect?.(new Set())}>
            {t("table.clear")}
          </Button>
        </div>
      )}
      {rows.length === 0 ? (
        empty
      ) : (
        <table aria-label={label} style={{ "--h": `${props.rowHeight ?? 36}px` } as React.CSSProperties}>
          <thead>
            <tr>
              {onSelect && (
                <th className={styles["choose"]}>
                  <Checkbox
                    aria-label={t("table.selectAll")}
                    checked={all}
                    indeterminate={chosen > 0 && !all}
                    onChange={() => onSelect(all ? new Set() : new Set(rows.map(keyOf)))}
                  />
                </th>
              )}
              {visible.map((column) => (
                <Head key={column.name} column={column} sort={props.sort} onSort={props.onSort} />
              ))}
            </tr>
          </thead>
          <tbody ref={list}>
            {rows.map((row, index) => (
              <tr
                key={keyOf(row)}
                tabIndex={index === Math.min(at, rows.length - 1) ? 0 : -1}
                aria-label={props.sentence?.(row)}
                aria-current={props.current === keyOf(row) || undefined}
                aria-selected={selected ? selected.has(keyOf(row)) : undefined}
                data-opens={onOpen ? true : undefined}
                data-tone={props.toneOf?.(row)}
                onFocus={() => {
                  setAt(index);
                  props.onFocusRow?.(row);
                }}
                onClick={(event) => {
                  if (isInner(event.target)) return;
                  if (addressOf && (event.ctrlKey || event.metaKey || event.shiftKey)) return openBeside(addressOf(row));
                  if (getSelection()?.toString()) return;
                  onOpen?.(row);
                }}
                onMouseDown={(event) => {
                  if (addressOf && event.button === 1 && !isInner(event.target)) event.preventDefault(); // no scrolling mark
                }}
                onAuxClick={(event) => {
                  if (addressOf && event.button === 1 && !isInner(event.target)) openBeside(addressOf(row));
                }}
              >
                {onSelect && (
                  <td className={styles["choose"]}>
                    <Checkbox
                      aria-label={t("table.select")}
                      tabIndex={-1}
                      checked={selected?.has(keyOf(row)) ?? false}
                      onChange={() => toggle(row)}
                    />
                  </td>
                )}
                {visible.map((column) => (
                  <td key={column.name} data-number={column.isNumber ? true : undefined} data-narrow={column.narrow ?? "second"}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <More pages={pages} />
    </div>
  );
}

/** What is clicked for itself within a row. */
const isInner = (target: EventTarget) => target instanceof Element && target.closest("a, button, input, label") !== null;

function openBeside(address: string): void {
  getSelection()?.removeAllRanges(); // Shift and a click choose text
  window.open(address, "_blank", "noopener");
}

function Head<Row>({ column, sort, onSort }: { column: Column<Row> } & Pick<DataTableProps<Row>, "sort" | "onSort">) {
  const t = useWords("parts");
  const isSorted = column.sort !== undefined && sort?.by === column.sort;
  const direction = isSorted ? (sort.isDown ? "descending" : "ascending") : undefined;
  return (
    <th style={column.width ? { width: column.width } : undefined} data-number={column.isNumber ? true : undefined} aria-sort={direction}>
      {column.sort && onSort ? (
        <button type="button" className={styles["sort"]} onClick={() => onSort(column.sort ?? "", isSorted ? !sort.isDown : true)}>
          {column.head}
          {isSorted && <Icon name={sort.isDown ? "arrowDown" : "arrowUp"} size={12} />}
          {isSorted && <span className="unseen">{t(sort.isDown ? "table.sortedDown" : "table.sortedUp")}</span>}
        </button>
      ) : (
        column.head
      )}
    </th>
  );
}

/** The next page comes when its place is nearly seen; the button is for the keyboard and for what failed. */
function More<Row>({ pages }: { pages: Pages<Row> }) {
  const t = useWords("parts");
  const place = useRef<HTMLDivElement>(null);
  const { hasMore, query } = pages;
  const isIdle = !query.isFetchingNextPage && !query.isFetchNextPageError;
  const more = useRef(pages.more);
  useEffect(() => {
    more.current = pages.more;
  });
  useEffect(() => {
    const end = place.current;
    if (!end || !hasMore || !isIdle) return;
    const watcher = new IntersectionObserver(([entry]) => entry?.isIntersecting && more.current(), { rootMargin: "400px" });
    watcher.observe(end);
    return () => watcher.disconnect();
  }, [hasMore, isIdle]);
  if (!hasMore) return null;
  return (
    <div ref={place} className={styles["more"]}>
      <Button size="xs" onClick={pages.more} loading={query.isFetchingNextPage}>
        {t("table.more")}
      </Button>
    </div>
  );
}
