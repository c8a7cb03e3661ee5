/* What the menu of a person offers: on a phone the rest of the pages, then profile, keys, language, colours, the way out. */

import { Menu } from "@mantine/core";
import { Link } from "react-router";
import { openKeys } from "../keyboard/openers";
import { Icon } from "../parts/Icon";
import { Key } from "../parts/Key";
import type { Opening } from "../parts/whenWanted";
import { LANGUAGE_NAMES, LANGUAGES, useLanguage, useWords } from "../words";
import { useLook, THEMES } from "./look";
import { useLeave } from "./leaving";
import type { NavItem } from "./nav";
import styles from "./PersonMenu.module.css";

export interface PersonItemsProps extends Opening {
  items: readonly NavItem[];
  position: "top-start" | "top-end";
}

export default function PersonItems({ items, position, isOpen, onChange, target }: PersonItemsProps) {
  return (
    <Menu position={position} width={240} opened={isOpen} onChange={onChange} trapFocus>
      <Menu.Target>{target}</Menu.Target>
      <Menu.Dropdown className={styles.menu ?? ""}>
        <Pages items={items} />
        <Own />
      </Menu.Dropdown>
    </Menu>
  );
}

function Pages({ items }: { items: readonly NavItem[] }) {
  const t = useWords("shell");
  if (items.length === 0) return null;
  return (
    <>
      {items.map((item) => (
        <Menu.Item key={item.name} component={Link} to={item.path} leftSection={<Icon name={item.icon} />}>
          {t(`nav.${item.name}`)}
        </Menu.Item>
      ))}
      <Menu.Divider />
    </>
  );
}

function Own() {
  const t = useWords("shell");
  const leave = useLeave();
  const spoken = useLanguage();
  const { theme, setTheme, setLanguage } = useLook();
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
          aria-current={language === spoken ? "true" : undefined}
          onClick={() => setLanguage(language)}
        >
          {LANGUAGE_NAMES[language]}
        </Menu.Item>
      ))}
      <Menu.Label>{t("menu.theme")}</Menu.Label>
      {THEMES.map((one) => (
        <Menu.Item
          key={one}
          leftSection={<Icon name={one === theme ? "check" : "sun"} />}
          aria-current={one === theme ? "true" : undefined}
          onClick={() => setTheme(one)}
        >
          {t(`theme.${one}`)}
        </Menu.Item>
      ))}
      <Menu.Divider />
      <Menu.Item leftSection={<Icon name="signOut" />} onClick={() => leave()}>
        {t("menu.signOut")}
      </Menu.Item>
    </>
  );
}
