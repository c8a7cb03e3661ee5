/* The head of a page: its name, a word beside it, tabs, and what can be done with the whole page. Sets the tab's title. */

import { useEffect, type ReactNode } from "react";
import { useLocation, useNavigate } from "react-router";
import { ActionIcon } from "@mantine/core";
import { useWords } from "../words";
import { Icon } from "./Icon";
import styles from "./PageHeader.module.css";

export interface PageHeaderProps {
  title: string;
  /** A quiet word behind the title. */
  sub?: ReactNode;
  /** An address to go back to. */
  back?: string;
  /** Go to where one came from; to `back` where one came from nowhere: a tab of its own, a link in a letter. */
  isBack?: boolean;
  /** In front of the title: a state, an icon. */
  before?: ReactNode;
  /** Behind the title, in the middle: links, tags, tabs. */
  children?: ReactNode;
  /** At the right end: buttons. */
  acts?: ReactNode;
}

export function PageHeader({ title, sub, back, isBack, before, children, acts }: PageHeaderProps) {
  const t = useWords("parts");
  const navigate = useNavigate();
  useEffect(() => {
    document.title = `${title} · Trunkline`;
  }, [title]);
  const isFirst = useLocation().key === "default";
  const goBack = () => void (isBack && !isFirst ? navigate(-1) : back && navigate(back));
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
