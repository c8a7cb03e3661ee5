import { useWords } from "../words";
import styles from "./Band.module.css";
export function Band() {
  const t = useWords("band");
  return <section className={styles["band"]} aria-label={t("region")} />;
}
