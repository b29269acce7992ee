// F1: a membership's account: what moved on it, and its points made into another currency's.

import { get, post } from "./api.js";
import { field, sentence, show } from "./dialogs.js";
import { h } from "./dom.js";
import { known, number, page, t, time } from "./words.js";

const { desk } = page;

function row(it) {
  const word = known(`column.${it.column}`) ?? it.column;
  const about = it.waits ? t("account.waits") : it.description;
  return h("tr", {}, h("td.whole", {}, time(it.at)), h("td", {}, word, about ? h("p.small.quiet", {}, about) : null),
    h("td", {}, it.receipt ?? ""), h("td.number", {}, `${number(it.points)} ${it.currency}`));
}

function table(items) {
  if (!items.length) return h("p.quiet", { id: "statement" }, t("account.none"));
  const heads = [["account.when"], ["queue.what"], ["queue.receipt"], ["account.points", "number"]];
  return h("table", { id: "statement" }, h("thead", {}, h("tr", {}, heads.map(([key, side]) => h("th", { class: side ?? "" }, t(key))))), h("tbody", {}, items.map(row)));
}

/** The ways in which a membership's points become others. */
const ways = (membership) => desk.conversions.filter((it) => membership.accounts.some((own) => own.currency === it.from));

/** The account. `done` is told of a conversion. */
export async function account(membership, done) {
  const place = h("div.stack.scrolled", {}, h("p.quiet", {}, t("loading")));
  const able = ways(membership);
  const submit = able.length ? () => { convert(membership, able, done); return false; } : undefined;
  show({ title: t("account.title", { program: membership.program.name }), body: place, action: t("convert"), submit });
  try {
    const found = await get(`/api/memberships/${membership.id}/statement?limit=20`);
    place.replaceChildren(...[found.note ? h("p.note.warn", { id: "statement-note" }, found.note) : null, table(found.items)].filter(Boolean));
  } catch (error) {
    place.replaceChildren(h("p.note.bad", {}, sentence(error)));
  }
}

function convert(membership, able, done) {
  const has = (code) => membership.accounts.find((it) => it.currency === code)?.spendable ?? "0";
  const word = (it) => t("convert.way", { from: `${number(has(it.from))} ${it.from}`, to: it.to });
  const body = [h("label", {}, t("convert.what"), h("select", { name: "way" }, able.map((it, at) => h("option", { value: String(at) }, word(it))))),
    field("points", t("pin.points"), { inputmode: "numeric", required: true }), h("p.small.quiet", {}, t("convert.how"))];
  // asking again after a lost answer makes no second conversion
  const key = crypto.randomUUID();
  const submit = async (values) => {
    const { from, to } = able[Number(values.way)];
    done(await post(`/api/memberships/${membership.id}/convert-points`, { from, to, points: values.points.trim() }, `${key}-${values.way}-${values.points.trim()}`));
  };
  show({ title: t("convert"), body, action: t("convert"), submit });
}
