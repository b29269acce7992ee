// What was done: earned, used, what is left, whether the server has it yet, and the code that proves it.

import { h } from "./dom.js";
import { money, number, t, time } from "./words.js";

const sum = (items) => Object.entries(items.reduce((all, it) => ({ ...all, [it.currency]: (all[it.currency] ?? 0) + Number(it.points) }), {}));

/** The receipt in place of the basket. */
export function render(place, receipt, does) {
  const counted = (items) => sum(items).map(([currency, n]) => t("points.count", { n, currency })).join(", ") || t("receipt.none");
  const waiting = receipt.state === "waiting";
  const sold = receipt.kind === "sale", moves = ["convert", "transfer"].includes(receipt.kind);
  const parts = moves ? [[t("receipt.moved"), counted(receipt.earned), "moved"]]
    : [[t(sold ? "receipt.earned" : "receipt.taken_back"), counted(receipt.earned), "earned"], [t(sold ? "receipt.used" : "receipt.given_back"), counted(receipt.redeemed), "used"]];
  const rows = [...parts, ...receipt.balances.map((it) => [t("receipt.balance"), `${t("points.count", { n: it.balance, currency: it.currency })}${Number(it.debt) ? ` · ${t("points.owed", { points: number(it.debt) })}` : ""}`, "balance"])];
  for (const it of receipt.follows ?? []) rows.push([t("receipt.follows"), it.text, "follows"]);
  if (receipt.approved_by) rows.push([t("receipt.approved"), receipt.approved_by, "approved"]);
  place.replaceChildren(h("section.receipt.fresh", { tabindex: "-1", "aria-labelledby": "receipt-title" },
    h("p.quiet", { id: "receipt-title" }, `${t(`receipt.kind.${receipt.kind}`)} ${receipt.receipt ?? receipt.id} · ${time(receipt.at)}`),
    receipt.payable ? h("p", {}, h("span.big", { id: "paid" }, money(receipt.payable, receipt.money)), ` ${t("receipt.to_pay")}`) : null,
    h("dl", {}, rows.flatMap(([term, text, id]) => [h("dt", {}, term), h("dd", { "data-is": id }, h("bdi", {}, text))])),
    h("p", { class: `note ${receipt.state === "confirmed" ? "good" : waiting ? "warn" : ""}`, "data-state": receipt.state }, t(`receipt.state.${receipt.state}`)),
    h("p", {}, h("span.quiet.small", {}, t("receipt.code")), h("br"), h("span.code", { id: "code" }, receipt.verification)),
    h("div.row", {}, h("button", { type: "button", onclick: does.print }, t("receipt.print"), h("kbd", {}, "F8")))));
}
