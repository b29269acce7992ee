// What is bought: lines from the POS or typed, what it comes to, and what it earns.

import { h } from "./dom.js";
import { money, number, symbol, t } from "./words.js";

/** A number for a receipt that nobody else gives: the till's node and the time, short. */
export const receiptNumber = (node) => `P${node}-${Date.now().toString(36).toUpperCase()}`;

/** A fresh basket. */
export const fresh = (desk) => ({ receipt: receiptNumber(desk.node), key: crypto.randomUUID(), currency: desk.currency, lines: [], from: "page" });

const LINE = /^(?:(\d+(?:[.,]\d{1,3})?)\s*[*x×]\s*)?(\+)?(\d+(?:[.,]\d{1,3})?)(?:\s+(.+))?$/;

/** A line out of what was typed, such as `2*9.50 Socks`; null where it is none. */
export function typed(text) {
  const found = LINE.exec(text.trim());
  if (!found) return null;
  const [, quantity, plus, price, name] = found;
  if (!quantity && !plus && !/[.,]/.test(price)) return null;
  return { sku: name?.trim() || t("basket.item"), quantity: (quantity ?? "1").replace(",", "."), unit_price: price.replace(",", ".") };
}

/** What a line comes to, for the eye; the till's own sum is what counts. */
const lineTotal = (line) => Number(line.quantity ?? "1") * Number(line.unit_price) - Number(line.discount ?? "0");

/** Σ of the lines, for the eye, until the quote is there. */
export const total = (basket) => basket.lines.reduce((sum, line) => sum + lineTotal(line), 0);

const plain = (amount, currency) => {
  const places = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  return number(Number(amount).toFixed(places));
};

function row(line, place, state, remove) {
  const { basket, quote } = state;
  const priced = quote?.lines?.find((it) => it.line === place);
  const source = priced?.source ? h("span.quiet", {}, ` ${t("basket.member_price")}`) : null;
  const price = priced?.unit_price ?? line.unit_price;
  const sum = Number(priced?.quantity ?? line.quantity ?? "1") * Number(price) - Number(priced?.discount ?? line.discount ?? "0");
  const away = basket.from === "page"
    ? h("button", { onclick: () => remove(place), "aria-label": t("basket.remove", { item: line.sku }), title: t("basket.remove", { item: line.sku }) }, "×") : null;
  return h("tr", {}, h("td", {}, line.sku, source), h("td.number", {}, number(line.quantity ?? "1")),
    h("td.number", {}, plain(price, basket.currency)), h("td.number", {}, plain(sum, basket.currency)), h("td", {}, away));
}

function redeemed(state) {
  if (state.approval) {
    const { points, currency, value, money: paid } = state.approved;
    return h("tr", {}, h("td.quiet", { colspan: "3" }, t("points.used", { n: points, currency })), h("td.number.good", {}, `−${plain(value, paid)}`), h("td", {}));
  }
  const way = state.quote?.ways?.[state.way];
  if (!way) return null;
  const value = Number(state.value ?? way.value.amount);
  const text = way.kind === "points" ? t("points.used", { n: state.points ?? way.points, currency: way.currency }) : way.text;
  return h("tr", {}, h("td.quiet", { colspan: "3" }, text), h("td.number.good", {}, `−${plain(value, way.value.currency)}`), h("td", {}));
}

/** What is left to pay. */
export function payable(state) {
  const way = state.quote?.ways?.[state.way];
  const sum = Number(state.quote?.total ?? total(state.basket));
  if (state.approval) return sum - state.approved.value;
  return sum - (way ? Number(state.value ?? way.value.amount) : 0);
}

function earns(state) {
  const way = state.quote?.ways?.[state.way];
  const earned = state.quote?.earned ?? [];
  if (!state.quote) {
    if (state.unknown) return t("earns.unknown");
    return state.basket.lines.length && !state.scan ? t("earns.nobody") : "";
  }
  const all = earned.reduce((sum, it) => sum + Number(it.points), 0);
  const points = way && state.points === null ? Number(way.earned) : all;
  const why = [...new Set(earned.map((it) => it.description))].join(", ");
  return [`${t("earns")} `, h("strong.good", { id: "earns", dir: "auto" }, t("points.count", { n: points, currency: way?.currency ?? earned[0]?.currency ?? "" })), " ", h("bdi", {}, why)];
}

/** The basket's card. */
export function render(place, state, remove) {
  const { basket } = state;
  const head = h("tr", {}, h("th", {}, t("basket.receipt", { number: basket.receipt })), h("th.number", {}, t("basket.quantity")),
    h("th.number", {}, t("basket.price")), h("th.number", {}, symbol(basket.currency)), h("th", {}, h("span.unseen", {}, t("basket.remove_head"))));
  const lines = basket.lines.length
    ? h("div.lines", { tabindex: "0", role: "region", "aria-label": t("basket") }, h("table", {}, h("thead", {}, head), h("tbody", {}, basket.lines.map((line, at) => row(line, at, state, remove)), redeemed(state))))
    : h("div.empty", {}, h("strong", {}, t("basket.empty")), h("p", {}, t("basket.how")));
  place.replaceChildren(lines,
    h("div.total", {}, h("span", {}, t("basket.pay")), h("span", { id: "payable" }, basket.lines.length ? plain(payable(state), basket.currency) : "–")),
    h("p.earns", {}, earns(state)));
}

export { money, plain };
