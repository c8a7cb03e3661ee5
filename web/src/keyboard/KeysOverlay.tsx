import { Modal } from "@mantine/core";
import { closeOverlay } from "./openers";
import { useWords } from "../words";
export default function KeysOverlay() {
  const t = useWords("shell");
  return <Modal opened onClose={closeOverlay} title={t("keys.title")} />;
}
