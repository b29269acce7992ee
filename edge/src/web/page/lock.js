// The locked screen: an operator's PIN, or the token with which this page is let in.

import { post } from "./api.js";
import { at } from "./dom.js";
import { t } from "./words.js";

const form = at("sign-in");
form.querySelector("input, select")?.focus();
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrong = at("wrong");
  wrong.hidden = true;
  const values = Object.fromEntries([...new FormData(form)].map(([name, text]) => [name, text.trim()]));
  try {
    await post("/page/sign-in", values);
    location.reload();
  } catch (error) {
    wrong.textContent = error.detail ?? t("error.unreachable");
    wrong.hidden = false;
    const secret = form.querySelector("input[type=password]");
    secret.value = "";
    secret.focus();
  }
});
