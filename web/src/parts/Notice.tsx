/* A word in the place of something: nothing here yet, it failed, it is closed. */

import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";
import styles from "./Notice.module.css";

export interface NoticeProps {
  icon: IconName;
  title: string;
  children?: ReactNode;
  /** The one next act. */
  act?: ReactNode;
  /** In the place of a whole page. */
  isPage?: boolean;
  tone?: "quiet" | "miss";
}

export function Notice({ icon, title, children, act, isPage, tone = "quiet" }: NoticeProps) {
  const Title = isPage ? "h1" : "h2";
  return (
    <div className={styles["notice"]} data-page={isPage ? true : undefined} data-tone={tone}>
      <Icon name={icon} size={20} />
      <Title>{title}</Title>
      {children && <p>{children}</p>}
      {act && <div className={styles["act"]}>{act}</div>}
    </div>
  );
}
