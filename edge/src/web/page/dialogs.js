// One dialog at a time: forms that say what went wrong in the API's own sentence, and go away on Esc.

import { h } from "./dom.js";
import { t } from "./words.js";

let open = null;

/** The dialog that is open, if any. */
export const current = () => open;

/** Does what a key stands for in the open dialog, if it stands for anything there. */
export const key = (name) => open?.keys?.[name]?.();

/** Hands a scan to the open dialog; answers whether one was open. */
export function scanned(code) {
  if (!open) return false;
  open.scanned?.(code);
  return true;
}

/** Puts a value into a field that takes scans. */
export const into = (name, then) => (code) => {
  const field = open.element.querySelector(`[name="${name}"]`);
  if (field) field.value = code;
  then?.(code);
};

/** A labelled field. */
export function field(name, label, properties = {}) {
  return h("label", {}, label, h("input", { name, autocomplete: "off", ...properties }));
}

/** The sentence of an error, with what to do next where the line is to blame. */
export const sentence = (error) => error.code === "unreachable" ? t("error.unreachable") : error.detail ?? t("error.other");

/**
 * Shows a form. `body` is what stands in it; `submit(values, form)` is done on Enter and closes the dialog where it
 * answers anything but `false`.
 */
export function show({ title, body, action, submit, scanned: onScan, keys, cancel = t("close") }) {
  close();
  const problem = h("p.note.bad", { role: "alert", hidden: true });
  const done = h("button.main", { type: "submit" }, action ?? t("close"), h("kbd", {}, "Enter"));
  const away = h("button", { type: "button", onclick: () => close() }, cancel, h("kbd", {}, "Esc"));
  const form = h("form", { method: "dialog", novalidate: true }, h("h2", { id: "dialog-title" }, title), body, problem, h("div.actions", {}, away, submit ? done : null));
  const element = h("dialog", { "aria-labelledby": "dialog-title" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!submit) return close();
    done.disabled = true;
    problem.hidden = true;
    try {
      if (await submit(Object.fromEntries(new FormData(form)), form) !== false) close(element);
    } catch (error) {
      problem.textContent = sentence(error);
      problem.hidden = false;
      const wrong = error.field && form.querySelector(`[name="${error.field.split(".").pop()}"]`);
      if (wrong) { wrong.setAttribute("aria-invalid", "true"); wrong.focus(); }
      document.dispatchEvent(new CustomEvent("refused", { detail: { error, form } }));
    } finally {
      done.disabled = false;
    }
  });
  element.addEventListener("close", () => close(element));
  document.body.append(element);
  open = { element, scanned: onScan, keys };
  element.showModal();
  const first = element.querySelector("input:not([type=checkbox]), button.main");
  first?.focus();
  // what stands there already is overwritten by typing
  if (first?.type === "text" && first.value) first.select();
  return element;
}

/** Closes the dialog, and gives the focus back to the scan. */
export function close(which = open?.element) {
  if (!open || open.element !== which) return;
  const { element } = open;
  open = null;
  if (element.open) element.close();
  element.remove();
  document.dispatchEvent(new CustomEvent("dialog-closed"));
}
