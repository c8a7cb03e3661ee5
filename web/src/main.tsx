/* Starts the page: the words first, then everything. */

import "./theme";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { guardPage } from "./app/trusted";
import { forgetOld } from "./drafts/store";
import { startWords } from "./words";

guardPage();
const place = document.getElementById("root");
if (place) {
  await startWords();
  forgetOld(Date.now());
  createRoot(place).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
