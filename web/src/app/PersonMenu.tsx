/* Who is signed in: profile, language, colours, keys, and the way out. */

import { Menu, UnstyledButton, useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import { Link } from "react-router";
import { tame } from "../formats";
import { openKeys } from "../keyboard/openers";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { Key } from "../parts/Key";
import { LANGUAGE_NAMES, LANGUAGES, speak, useLanguage, useWords } from "../words";
import styles from "./PersonMenu.module.css";
import { useSession } from "./session";

export function PersonMenu({ isShort }: { isShort?: boolean }) {
  const t = useWords("shell");
  const { name, who } = useSession();
  return (
    <Menu position="top-start" width={224} trapFocus={false}>
      <Menu.Target>
        <UnstyledButton className={styles["person"]} data-short={isShort || undefined} aria-label={t("menu.of", { name: tame(name) })}>
          <Avatar name={name} />
          <span className={styles["words"]}>
            <b className="cut">{tame(name)}</b>
            <small className="cut">{t(`role.${who.role}`)}</small>
          </span>
          <Icon name="down" size={14} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <PersonItems />
      </Menu.Dropdown>
    </Menu>
  );
}

/** What the menu offers; the bottom bar of phones shows the same. */
export function PersonItems() {
  const t = useWords("shell");
  const { signOut } = useSession();
  const spoken = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const schemes: readonly MantineColorScheme[] = ["auto", "light", "dark"];
  return (
    <>
      <Menu.Item component={Link} to="/profile" leftSection={<Icon name="person" />}>
        {t("nav.profile")}
      </Menu.Item>
      <Menu.Item leftSection={<Icon name="keyboard" />} rightSection={<Key>?</Key>} onClick={openKeys}>
        {t("menu.keys")}
      </Menu.Item>
      <Menu.Divider />
      <Menu.Label>{t("menu.language")}</Menu.Label>
      {LANGUAGES.map((language) => (
        <Menu.Item
          key={language}
          lang={language}
          leftSection={<Icon name={language === spoken ? "check" : "globe"} />}
          aria-current={language === spoken || undefined}
          onClick={() => void speak(language)}
        >
          {LANGUAGE_NAMES[language]}
        </Menu.Item>
      ))}
      <Menu.Label>{t("menu.theme")}</Menu.Label>
      {schemes.map((scheme) => (
        <Menu.Item
          key={scheme}
          leftSection={<Icon name={scheme === colorScheme ? "check" : "sun"} />}
          aria-current={scheme === colorScheme || undefined}
          onClick={() => setColorScheme(scheme)}
        >
          {t(`theme.${scheme}`)}
        </Menu.Item>
      ))}
      <Menu.Divider />
      <Menu.Item leftSection={<Icon name="signOut" />} onClick={() => void signOut()}>
        {t("menu.signOut")}
      </Menu.Item>
    </>
  );
}
