// The ways to redeem, best first: yes, up to so many, or not now with one reason; more with a manager's PIN.

import { h } from "./dom.js";
import { known, money, number, page, t } from "./words.js";
import { account } from "./member.js";

const KEYS = ["F5", "F6", "F7"];

/** The rows to show: the ways of the quote, and one to ask a manager where only the lack of a line limits. */
export function rows(state) {
  const membership = state.scan?.memberships.find((it) => it.id === state.chosen);
  if (!state.quote || !membership) return [];
  const own = account(membership);
  const ways = state.quote.ways.map((way, place) => ({ way, place, kind: "way" }));
  const passing = ways.find(({ way }) => !way.refusal && way.kind === "points");
  const limited = state.scan.connection === "offline" && own && membership.here;
  // where no manager can sign at this till, nothing is offered that would then be refused
  const lifts = page.desk.operators.some((it) => it.manager);
  const more = limited && lifts && Number(own.approvable_offline) > Number(passing?.way.points ?? 0);
  const lifted = ways.filter(({ way }) => !(way.refusal ?? "").startsWith("offline_"));
  return more ? [...lifted, { kind: "pin", over: Number(passing?.way.points ?? 0), currency: own.currency, available: own.approvable_offline }] : ways;
}

function grounds(state, way) {
  const membership = state.scan.memberships.find((it) => it.id === state.chosen);
  const own = account(membership);
  if (way.kind !== "points") return way.offline ? t("way.signed") : t("way.needs_line");
  if (state.scan.connection === "online") return t("way.line", { points: number(own.spendable) });
  return t("way.no_line", { points: number(own.spendable_offline) });
}

function title(state, way) {
  if (way.kind !== "points") return way.text;
  const membership = state.scan.memberships.find((it) => it.id === state.chosen);
  const less = Number(way.points) < Number(account(membership)?.spendable ?? 0);
  return t(less && state.scan.connection === "offline" ? "way.up_to" : "way.points", { n: way.points, currency: way.currency });
}

const shell = (key, properties, strong, small, end) => h("button.way", { type: "button", ...properties },
  key ? h("kbd", { "aria-hidden": "true" }, key) : h("span"), h("span", {}, h("strong", {}, strong), h("br"), h("span.small.quiet", {}, small)), h("span.off", {}, end));

function wayRow(state, { way, place }, key, choose) {
  if (way.refusal) {
    return shell(null, { disabled: true }, t("way.not_now", { what: title(state, way) }), known(`refusal.${way.refusal}`) ?? t("refusal.other"), "");
  }
  const chosen = state.way === place;
  const value = chosen && state.value !== null ? state.value : way.value.amount;
  return shell(key, { role: "checkbox", "aria-checked": String(chosen), "aria-keyshortcuts": key, onclick: () => choose(place), id: `way-${place}` },
    title(state, way), grounds(state, way), `−${money(value, way.value.currency)}`);
}

function steps(state, step) {
  const way = state.quote?.ways?.[state.way];
  if (way?.kind !== "points" || state.approval) return null;
  return h("div.step", {}, h("button", { type: "button", "aria-label": t("way.fewer"), onclick: () => step(-1) }, "−"),
    h("output", { "aria-live": "polite" }, t("points.count", { n: state.points ?? way.points, currency: way.currency })),
    h("button", { type: "button", "aria-label": t("way.more"), onclick: () => step(1) }, "+"), h("span.small.quiet", {}, t("way.step")));
}

/** The card of ways. `does` holds `choose(place)`, `step(by)` and `pin(row)`. */
export function render(place, state, does) {
  const shown = rows(state);
  let next = 0;
  const made = shown.map((row) => {
    const key = row.way?.refusal ? null : KEYS[next++] ?? null;
    if (row.kind === "way") return [wayRow(state, row, key, does.choose), state.way === row.place ? steps(state, does.step) : null];
    const lifted = state.approval ? t("way.approved", { points: number(state.approved.points) }) : t("way.pin");
    return shell(key, { onclick: () => does.pin(row), "aria-keyshortcuts": key, id: "way-pin" }, row.over ? t("way.over", { n: row.over, currency: row.currency }) : t("way.lift"), lifted, "PIN");
  });
  place.replaceChildren(...made.flat().filter(Boolean));
  place.hidden = shown.length === 0;
}

/** Does what an F-key stands for. */
export function press(state, key, does) {
  const open = rows(state).filter((row) => !row.way?.refusal);
  const row = open[KEYS.indexOf(key)];
  if (row?.kind === "way") does.choose(row.place);
  if (row?.kind === "pin") does.pin(row);
}
