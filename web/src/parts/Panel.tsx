/* A part of a page with a border of its own. When it breaks, the rest of the page goes on. */

import { Component, type ReactNode } from "react";
import { useWords } from "../words";
import { Failed } from "./Failed";
import { Notice } from "./Notice";
import styles from "./Panel.module.css";
import { Button } from "@mantine/core";
import { asProblem } from "../api";

export interface PanelProps {
  title?: ReactNode;
  /** Behind the title. */
  sub?: ReactNode;
  /** At the right end of the head. */
  acts?: ReactNode;
  children?: ReactNode;
  /** Inner distance for what is no table or list. */
  isPadded?: boolean;
  className?: string | undefined;
}

export function Panel({ title, sub, acts, children, isPadded, className }: PanelProps) {
  return (
    <section className={`${styles["panel"]} ${className ?? ""}`}>
      {(title !== undefined || acts !== undefined) && (
        <header className={styles["head"]}>
          {title && <h2>{title}</h2>}
          {sub && <small>{sub}</small>}
          {acts && <div className={styles["acts"]}>{acts}</div>}
        </header>
      )}
      <div className={styles["body"]} data-padded={isPadded ? true : undefined}>
        <Fenced>{children}</Fenced>
      </div>
    </section>
  );
}

interface FenceState {
  fault: unknown;
}

/** Keeps a fault of what is within from taking more than its place. */
export class Fenced extends Component<{ children?: ReactNode }, FenceState> {
  override state: FenceState = { fault: null };

  static getDerivedStateFromError(fault: unknown): FenceState {
    return { fault };
  }

  override componentDidCatch(fault: unknown): void {
    console.error(fault);
  }

  override render(): ReactNode {
    const { fault } = this.state;
    if (fault === null) return this.props.children;
    return <Broken fault={fault} retry={() => this.setState({ fault: null })} />;
  }
}

function Broken({ fault, retry }: { fault: unknown; retry: () => void }) {
  const t = useWords("parts");
  const problem = asProblem(fault);
  if (problem) return <Failed problem={problem} retry={retry} />;
  return (
    <Notice icon="warn" tone="miss" title={t("failed.title")} act={<Button onClick={retry}>{t("again")}</Button>}>
      {t("failed.page")}
    </Notice>
  );
}
