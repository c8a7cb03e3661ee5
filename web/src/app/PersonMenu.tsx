/* Who is signed in, at the foot of the rail; what the button opens is loaded when it is wanted. */

import { tame } from "../formats";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { useWords } from "../words";
import { PersonButton } from "./PersonButton";
import styles from "./PersonMenu.module.css";
import { useSession } from "./session";

export function PersonMenu() {
  const t = useWords("shell");
  const { name, who } = useSession();
  return (
    <PersonButton items={[]} position="top-start" className={styles.person}>
      <span className="unseen">{t("menu")}</span>
      <Avatar name={name} />
      <span className={styles.words}>
        <b className="cut">{tame(name)}</b>
        <small className="cut">{[t(`role.${who.role}`), ...who.teams.slice(0, 1).map((team) => tame(team.name))].join(" · ")}</small>
      </span>
      <Icon name="down" size={14} />
    </PersonButton>
  );
}
