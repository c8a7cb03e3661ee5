/* A figure that opens what it is made of; its definition on hover. */

import { UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import { Link, type To } from "react-router";
import { Definition } from "./Definition";
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
  return <Definition text={definition}>{figure}</Definition>;
}
