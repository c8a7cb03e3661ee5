/* The head of a page: its name, a word beside it, tabs, and what can be done with the whole page. Sets the tab's title. */

import { useEffect, type ReactNode } from "react";
import { useNavigate } from "react-router";
import { ActionIcon } from "@mantine/core";
import { useWords } from "../words";
import { Icon } from "./Icon";
import styles from "./PageHeader.module.css";

export interface PageHeaderProps {
  title: string;
  /** A quiet word behind the title. */
  sub?: ReactNode;
  /** An address to go back to, or -1 for where one came from. */
  back?: string | -1;
  /** In front of the title: a state, an icon. */
  before?: ReactNode;
  /** Behind the title, in the middle: links, tags, tabs. */
  children?: ReactNode;
  /** At the right end: buttons. */
  acts?: ReactNode;
}

export function PageHeader({ title, sub, back, before, children, acts }: PageHeaderProps) {
  const t = useWords("parts");
  const navigate = useNavigate();
  useEffect(() => {
    document.title = `${title} · Trunkline`;
  }, [title]);
  const goBack = () => void (back === -1 ? navigate(-1) : back && navigate(back));
  return (
    <header className={styles["header"]} data-bar={back !== undefined || undefined}>
      {back !== undefined && (
        <ActionIcon variant="subtle" color="gray" aria-label={t("back")} onClick={goBack}>
          <Icon name="left" />
        </ActionIcon>
      )}
      {before}
      <h1 className="cut">{title}</h1>
      {sub && <span className={styles["sub"]}>{sub}</span>}
      <div className={styles["middle"]}>{children}</div>
      {acts && <div className={styles["acts"]}>{acts}</div>}
    </header>
  );
}
