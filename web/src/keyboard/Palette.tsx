import { Modal } from "@mantine/core";
import { closeOverlay } from "./openers";
import { useWords } from "../words";
export default function Palette() {
  const t = useWords("shell");
  return <Modal opened onClose={closeOverlay} title={t("palette.title")} />;
}
