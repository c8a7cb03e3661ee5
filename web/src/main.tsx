/* Starts the page. Who this is, the words and the page of the address are asked for at once; with the words there, all is drawn. */

import "./theme";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { fetchEarly } from "./app/routes";
import { askEarly } from "./app/session";
import { guardPage } from "./app/trusted";
import { forgetOld } from "./drafts/store";
import { startWords } from "./words";

guardPage();
const place = document.getElementById("root");
if (place) {
  const words = startWords();
  askEarly();
  void fetchEarly(location.pathname);
  await words;
  forgetOld(Date.now());
  createRoot(place).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
