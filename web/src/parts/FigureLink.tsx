/* A figure that opens what it is made of; its definition on hover. */

import { Tooltip, UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import { Link, type To } from "react-router";
import styles from "./FigureLink.module.css";

export interface FigureLinkProps {
  children: ReactNode;
  /** What is counted, in a sentence. */
  definition?: string | undefined;
  /** The list it opens. */
  to?: To;
  onOpen?: () => void;
  className?: string | undefined;
}

export function FigureLink({ children, definition, to, onOpen, className }: FigureLinkProps) {
  const name = `${styles["figure"]} ${className ?? ""}`;
  const figure = to ? (
    <Link className={name} to={to}>
      {children}
    </Link>
  ) : onOpen ? (
    <UnstyledButton className={name} onClick={onOpen}>
      {children}
    </UnstyledButton>
  ) : (
    <span className={name}>{children}</span>
  );
  if (!definition) return figure;
  return (
    <Tooltip label={definition} multiline maw={320} events={{ hover: true, focus: true, touch: true }}>
      {figure}
    </Tooltip>
  );
}
