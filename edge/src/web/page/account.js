// F1: a membership's account: what moved on it, and its points made into another currency's.

import { Problem, get, post } from "./api.js";
import { field, sentence, show } from "./dialogs.js";
import { h } from "./dom.js";
import { known, number, page, t, time, unit } from "./words.js";

const { desk } = page;

function row(it) {
  const word = known(`column.${it.column}`) ?? it.column;
  const about = it.waits ? t("account.waits") : it.description;
  return h("tr", {}, h("td.whole", {}, time(it.at)), h("td", {}, word, about ? h("p.small.quiet", {}, about) : null),
    h("td", {}, it.receipt ?? ""), h("td.number", {}, h("bdi", {}, `${number(it.points)} ${unit(it.currency)}`)));
}

function table(items) {
  if (!items.length) return h("p.quiet", { id: "statement" }, t("account.none"));
  const heads = [["account.when"], ["queue.what"], ["queue.receipt"], ["account.points", "number"]];
  return h("table", { id: "statement" }, h("thead", {}, h("tr", {}, heads.map(([key, side]) => h("th", { class: side ?? "" }, t(key))))), h("tbody", {}, items.map(row)));
}

/** The ways in which a membership's points become others. */
const ways = (membership) => desk.conversions.filter((it) => membership.accounts.some((own) => own.currency === it.from));

/** A consent to the terms of today, given after the membership began. */
function consent(membership, done) {
  const body = [h("p", {}, t("consent.how", { program: membership.program.name, text: desk.consent })),
    h("label.tick", {}, h("input", { type: "checkbox", name: "consent" }), t("enrol.consent"))];
  const submit = async (values) => {
    if (!values.consent) throw new Problem({ detail: t("enrol.no_consent"), field: "consent" });
    await post(`/api/memberships/${membership.id}/consents`, { text_version: desk.consent, channel: "till" }, crypto.randomUUID());
    done();
  };
  show({ title: t("consent"), body, action: t("consent.do"), submit }).querySelector("[name=consent]").focus();
}

/** The account. `done` is told of a conversion, `agreed` of a consent. */
export async function account(membership, done, agreed) {
  const place = h("div.stack.scrolled", {}, h("p.quiet", {}, t("loading")));
  const ask = () => consent(membership, agreed);
  const more = h("p.row", {}, h("button", { type: "button", id: "consent", onclick: ask }, t("consent"), h("kbd", {}, "F3")));
  const able = ways(membership);
  const submit = able.length ? () => { convert(membership, able, done); return false; } : undefined;
  const element = show({ title: t("account.title", { program: membership.program.name }), body: [place, more], action: t("convert"), submit, keys: { F3: ask } });
  if (!submit) element.querySelector(".actions button").focus();
  try {
    const found = await get(`/api/memberships/${membership.id}/statement?limit=20`);
    place.replaceChildren(...[found.note ? h("p.note.warn", { id: "statement-note" }, found.note) : null, table(found.items)].filter(Boolean));
  } catch (error) {
    place.replaceChildren(h("p.note.bad", {}, sentence(error)));
  }
}

function convert(membership, able, done) {
  const has = (code) => membership.accounts.find((it) => it.currency === code)?.spendable ?? "0";
  const word = (it) => t("convert.way", { from: `${number(has(it.from))} ${unit(it.from)}`, to: unit(it.to) });
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
