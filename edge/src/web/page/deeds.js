// What a cashier does beside selling: return, enrol, report a card lost, ask a manager.

import { get, post, Problem } from "./api.js";
import { field, into, show } from "./dialogs.js";
import { h } from "./dom.js";
import { receiptNumber, typed } from "./basket.js";
import { number, page, t } from "./words.js";

const { desk } = page;

/** Finds the sale by its receipt's number or its code. */
async function saleBy(text) {
  const by = /^[0-9A-Z]{4}-[0-9A-Z]{4}$/i.test(text) ? `verification=${encodeURIComponent(text.toUpperCase())}` : `receipt=${encodeURIComponent(text)}`;
  const { items } = await get(`/api/transactions?${by}`);
  return items.find((it) => it.kind === "sale") ?? null;
}

/** F2: a return, by the receipt's number or by scanning its code; F2 again: with no receipt. */
export function giveBack(whose, done) {
  const find = async ({ receipt }) => {
    const text = receipt.trim();
    if (!text) throw new Problem({ detail: t("return.which"), field: "receipt" });
    const sale = await saleBy(text);
    if (sale) lines(sale, done);
    else blind(text, done);
    return false;
  };
  const none = () => goods(whose, done);
  const body = [field("receipt", t("return.receipt"), { required: true }), h("p.small.quiet", {}, t("return.how")),
    h("div", {}, h("button", { type: "button", id: "no-receipt", onclick: none, "aria-keyshortcuts": "F2" }, t("return.no_receipt"), h("kbd", {}, "F2")))];
  const element = show({ title: t("return"), body, action: t("return.find"), submit: find, keys: { F2: none }, scanned: into("receipt", () => element.querySelector("form").requestSubmit()) });
}

/** Nobody has the receipt: the goods are told, each with the price that is paid back, and whose they are. */
function goods({ membership, name }, done) {
  const known = membership?.here ? membership : null;
  const lines = [];
  const list = h("ul.list", { id: "goods" });
  const paint = () => list.replaceChildren(...lines.map((it, at) => h("li.backline", {}, h("span", {}, it.sku), h("span.quiet.number", {}, `${number(it.quantity)} × ${number(it.unit_price)}`),
    h("button", { type: "button", "aria-label": t("basket.remove", { item: it.sku }), onclick: () => { lines.splice(at, 1); paint(); } }, "×"))));
  const add = () => {
    const input = element.querySelector("[name=goods]"), text = input.value.trim();
    const line = typed(text);
    if (!line) throw new Problem({ detail: t(text || lines.length ? "return.price" : "return.goods_none"), field: "goods" });
    lines.push(line);
    input.value = "";
    paint();
    input.focus();
  };
  const body = [known ? h("p.quiet", {}, t("return.whose", { name, program: known.program.name })) : field("card", t("return.card"), { required: true }),
    field("goods", t("return.goods"), { placeholder: "9.50 Socks, 2*9.50" }), list, field("reason", t("return.why"))];
  const submit = async (values) => {
    if (values.goods.trim() || !lines.length) { add(); return false; }
    const whose = known ? { membership_id: known.id } : { card: values.card.trim() };
    if (!known && !whose.card) throw new Problem({ detail: t("return.card_which"), field: "card" });
    const reason = values.reason.trim() ? { reason: values.reason.trim() } : {};
    done(await post("/api/refunds", { ...whose, ...reason, receipt: receiptNumber(desk.node), currency: desk.currency, goods: lines, cashier: page.operator }, key));
    return true;
  };
  // the key belongs to this return: asking again takes nothing back twice
  const key = crypto.randomUUID();
  const element = show({ title: t("return.no_receipt"), body, action: t("return.do"), submit, scanned: known ? undefined : into("card", () => element.querySelector("[name=goods]").focus()) });
  if (known) element.querySelector("[name=goods]").focus();
}

function lines(sale, done) {
  const row = (line) => h("div.backline", {}, h("label.tick", {}, h("input", { type: "checkbox", name: `back-${line.line}` }), h("span", {}, line.sku)),
    h("span.quiet.number", {}, t("return.of", { n: line.quantity })),
    h("input", { type: "number", name: `quantity-${line.line}`, min: "0", max: line.quantity, step: "any", value: line.quantity, "aria-label": t("return.quantity", { item: line.sku }) }));
  const body = [h("p.quiet", {}, t("return.sale", { receipt: sale.receipt, date: sale.business_date })), h("div", {}, sale.lines.map(row))];
  const submit = async (values) => {
    const back = sale.lines.filter((line) => values[`back-${line.line}`]).map((line) => ({ line: line.line, quantity: values[`quantity-${line.line}`] }));
    if (!back.length) throw new Problem({ detail: t("return.none") });
    done(await post(`/api/transactions/${sale.id}/refund`, { receipt: receiptNumber(desk.node), lines: back, cashier: page.operator }, crypto.randomUUID()));
  };
  const element = show({ title: t("return"), body, action: t("return.do"), submit });
  element.querySelector("input[type=checkbox]")?.focus();
}

/** Where something was sold: by name where the page knows them all, else by its code. */
function soldAt() {
  const known = Object.entries(desk.outlets);
  if (known.length < 2) return field("outlet", t("return.outlet"), { value: desk.outlet });
  const options = known.map(([code, name]) => h("option", { value: code, selected: code === desk.outlet }, name));
  return h("label", {}, t("return.outlet"), h("select", { name: "outlet" }, options));
}

/** The sale is not known here: its lines are named by their number on the receipt. */
function blind(receipt, done) {
  const body = [h("p.note", {}, t("return.unknown", { receipt })), field("line", t("return.line"), { inputmode: "numeric", value: "1" }),
    field("quantity", t("return.many"), { inputmode: "decimal", value: "1" }), soldAt()];
  const submit = async ({ line, quantity, outlet }) => {
    const original = { receipt, outlet: outlet.trim() || desk.outlet };
    const request = { original, receipt: receiptNumber(desk.node), lines: [{ line: Number(line) - 1, quantity }], cashier: page.operator };
    done(await post("/api/refunds", request, crypto.randomUUID()));
  };
  show({ title: t("return"), body, action: t("return.do"), submit });
}

/** F3: a new member, with or without a line. */
export function enrol(code, done) {
  const programs = desk.programs.map((it, place) => h("option", { value: it.code, selected: place === 0 }, it.name));
  const twice = h("label.tick", { hidden: true }, h("input", { type: "checkbox", name: "allow_duplicate" }), t("enrol.another"));
  const body = [h("div.fields", {}, field("name", t("enrol.name"), { required: true }), field("phone", t("enrol.phone"), { type: "tel" }),
    field("email", t("enrol.email"), { type: "email" }), field("birth_date", t("enrol.birth"), { type: "date" })),
  h("div.fields", {}, h("label", {}, t("enrol.program"), h("select", { name: "program" }, programs)), field("card", t("enrol.card"), { value: code ?? "" })),
  h("label.tick", {}, h("input", { type: "checkbox", name: "consent" }), t("enrol.consent")), twice];
  const submit = async (values) => {
    if (!values.consent) throw new Problem({ detail: t("enrol.no_consent"), field: "consent" });
    const customer = Object.fromEntries(["name", "phone", "email", "birth_date"].map((key) => [key, values[key].trim()]).filter(([, text]) => text));
    const membership = { program: values.program, card: values.card.trim() || null, consent: { text_version: desk.consent, channel: "till" } };
    try {
      done(await post("/api/enrolments", { customer: { name: "", ...customer }, memberships: [membership], allow_duplicate: Boolean(values.allow_duplicate) }, crypto.randomUUID()));
    } catch (error) {
      if (error.code === "duplicate_customer") twice.hidden = false;
      throw error;
    }
  };
  show({ title: t("enrol"), body, action: t("enrol.do"), submit, scanned: into("card") });
}

/** F4: a card is lost, stolen or damaged. */
export function lost(code, done) {
  const kinds = ["lost", "stolen", "damaged"].map((it, place) => h("label.tick", {}, h("input", { type: "radio", name: "status", value: it, checked: place === 0 }), t(`lost.${it}`)));
  const body = [field("code", t("lost.card"), { required: true, value: code ?? "" }), h("div", { role: "radiogroup", "aria-label": t("lost.what") }, kinds), h("p.small.quiet", {}, t("lost.then"))];
  const submit = async ({ code: text, status }) => {
    if (!text.trim()) throw new Problem({ detail: t("lost.which"), field: "code" });
    done(await post(`/api/cards/${encodeURIComponent(text.trim())}/report`, { status }, crypto.randomUUID()), status);
  };
  show({ title: t("lost"), body, action: t("lost.do"), submit, scanned: into("code") });
}

/** A manager lifts a limit for one redemption. */
export function approve(membership, row, points, done) {
  const known = desk.operators.filter((it) => it.manager);
  const who = known.length
    ? h("label", {}, t("pin.manager"), h("select", { name: "operator" }, known.map((it) => h("option", { value: it.code }, it.name))))
    : field("operator", t("pin.manager"), { required: true });
  const body = [h("p", {}, t("pin.text", { available: number(row.available) })), field("points", t("pin.points"), { inputmode: "numeric", required: true, value: points }),
    who, field("pin", t("pin"), { type: "password", inputmode: "numeric", required: true })];
  const submit = async (values) => {
    const request = { operator: values.operator.trim(), pin: values.pin, membership_id: membership, currency: row.currency, points: values.points.trim() };
    done((await post("/api/approvals", request)).approval, values.points.trim());
  };
  show({ title: t("pin.title"), body, action: t("pin.do"), submit });
}
