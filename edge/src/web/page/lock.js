// The locked screen: an operator's PIN, or the token with which this page is let in.

import { post } from "./api.js";
import { at } from "./dom.js";
import { t } from "./words.js";

// who signed in here last is chosen already: the next is likely the same, and only the PIN is typed
const LAST = "tillkeep-operator";
const form = at("sign-in");
const chosen = form.querySelector("select");
const last = localStorage.getItem(LAST);
if (chosen && [...chosen.options].some((it) => it.value === last)) chosen.value = last;
form.querySelector(chosen?.value === last ? "input" : "select, input")?.focus();
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrong = at("wrong");
  wrong.hidden = true;
  const values = Object.fromEntries([...new FormData(form)].map(([name, text]) => [name, text.trim()]));
  try {
    await post("/page/sign-in", values);
    if (chosen) localStorage.setItem(LAST, chosen.value);
    location.assign("/");
  } catch (error) {
    wrong.textContent = error.detail ?? t("error.unreachable");
    wrong.hidden = false;
    const secret = form.querySelector("input[type=password]");
    secret.value = "";
    secret.focus();
  }
});
