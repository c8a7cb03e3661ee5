import "./layers.css";
import "@mantine/core/styles.layer.css";
import "./tokens.css";
import "./mantine.css";
import "./base.css";

export { styleNonce } from "./nonce";
export { theme } from "./theme";
