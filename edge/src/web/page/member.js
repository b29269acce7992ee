// Who was scanned: the customer and every membership, told apart; what can be spent now, and as of when.

import { colour, h } from "./dom.js";
import { ago, date, known, money, month, number, t, time } from "./words.js";

// older than this a balance is called old, in ms
const OLD_MS = 24 * 3_600_000;
// these have a line of their own
const SHOWN = ["points_owed", "points_expiring", "membership_not_active"];

/** The account of a membership that redeems. */
export const account = (membership) => membership.accounts.find((it) => it.kind === "redeemable") ?? membership.accounts[0];

/** The memberships in the order of the page: those that apply here first. */
export const ordered = (scan) => [...scan.memberships].sort((a, b) => Number(b.here) - Number(a.here));

const initials = (name) => name.split(/\s+/).filter(Boolean).map((word) => [...word][0]).slice(0, 2).join("").toUpperCase();

function person(scan) {
  const { customer, memberships, card } = scan;
  const number = customer.external_id ? t("customer.number", { number: customer.external_id }) : null;
  const since = customer.since ? t("customer.since", { month: month(customer.since) }) : null;
  return h("section.card.person", { "aria-label": t("customer") },
    h("div.initials", { "aria-hidden": "true" }, initials(customer.name)),
    h("div.wide", {}, h("h2", { id: "customer" }, customer.name), h("p.small.quiet", {}, [number, since].filter(Boolean).join(" · "))),
    card && card.status !== "active" ? h("span.chip.bad", {}, t(`card.${card.status}`)) : null,
    memberships.length > 1 ? h("span.chip", {}, t("memberships", { n: memberships.length })) : null);
}

/** Whether points can be spent now: yes, up to so many, or not now, with the one reason. */
export function verdict(membership, connection) {
  const own = account(membership);
  if (!membership.here) return { level: "quiet", text: t("membership.elsewhere") };
  if (!own) return null;
  if (own.refusal) return { level: "warn", text: t("spend.no", { why: known(`refusal.${own.refusal}`) ?? t("refusal.other") }) };
  if (connection === "online" || Number(own.spendable_offline) >= Number(own.spendable)) return { level: "good", text: t("spend.all") };
  if (Number(own.spendable_offline) > 0) return { level: "warn", text: t("spend.some", { points: number(own.spendable_offline) }) };
  return { level: "warn", text: t("spend.no", { why: t("refusal.offline_refused") }) };
}

function asOf(scan) {
  if (!scan.as_of) return h("p.warn", {}, t("asof.none"));
  const age = Date.now() - new Date(scan.as_of);
  const text = t("asof", { time: time(scan.as_of), age: ago(scan.as_of) });
  if (scan.connection === "online" && age < OLD_MS) return h("p.quiet", {}, t("asof.fresh", { time: time(scan.as_of) }));
  return h(age > OLD_MS ? "p.bad" : "p.warn", {}, age > OLD_MS ? `${t("asof.old")} ${text}` : text);
}

function progress(membership) {
  const next = membership.next_level;
  if (!next) return null;
  const [done, needed] = [Number(membership.qualified), Number(next.needed)];
  const label = t("level.next", { needed: number(next.needed), level: next.name });
  return [h("progress", { value: done, max: done + needed || 1, "aria-label": label }), label];
}

function details(membership, scan, own) {
  const shown = progress(membership);
  const soon = own?.expiring?.[0];
  const benefits = membership.level?.benefits ?? [];
  const parts = [shown?.[1], soon ? t("points.expire", { points: number(soon.points), date: date(soon.on) }) : null];
  const spend = verdict(membership, scan.connection);
  return [shown?.[0], h("div.more", {},
    h("p.quiet", {}, parts.filter(Boolean).join(" · ")),
    benefits.length ? h("p.quiet", { id: "benefits" }, t("level.benefits", { list: benefits.join(", ") })) : null,
    membership.alerts.filter((alert) => !SHOWN.includes(alert.code)).map((alert) => h("p.warn", {}, alert.text)),
    Number(own?.debt) > 0 ? h("p.bad", {}, t("points.owed", { points: number(own.debt) })) : null,
    Number(own?.held) > 0 ? h("p.quiet", {}, t("points.held", { points: number(own.held) })) : null,
    Number(own?.right?.points) > 0 ? h("p.quiet", { id: "right" }, t("points.right", { points: number(own.right.points), time: time(own.right.expires_at) })) : null,
    Number(own?.pending) > 0 ? h("p.quiet", {}, t("points.pending", { points: number(own.pending) })) : null,
    spend ? h(`p.${spend.level}`, { id: "verdict" }, spend.text) : null,
    asOf(scan))];
}

function worth(own, chosen) {
  const unit = t("points.unit", { n: own.spendable, currency: own.currency });
  if (!chosen || !own.cash_value) return unit;
  return `${unit} · ${t("points.worth", { value: money(own.cash_value.amount, own.cash_value.currency) })}`;
}

function membership(it, scan, chosen, choose) {
  const own = account(it);
  const level = it.level ? `${it.level.name}${Number(it.level.multiplier) === 1 ? "" : ` ×${number(it.level.multiplier)}`}` : null;
  const ending = it.expires_on ? t("membership.ends", { date: date(it.expires_on) }) : null;
  const quiet = it.here ? ending : t("membership.elsewhere");
  return h("button.card.membership", { role: "radio", "aria-checked": String(chosen), tabindex: chosen ? "0" : "-1", "data-membership": it.id, onclick: () => choose(it.id) },
    colour(it.program.color),
    h("div.top", {}, h("strong", {}, it.program.name), h("span.quiet", {}, it.member_number),
      level ? h("span.chip.push", { class: Number(it.level.multiplier) > 1 ? "warn" : "" }, level) : null,
      // a ladder beside the program's own multiplies nothing
      it.levels.slice(1).map((one) => h("span.chip", {}, one.name))),
    own ? h("div.amount", {}, h("span.points", { "data-points": own.spendable }, number(own.spendable)), h("span.quiet.worth", {}, worth(own, chosen)),
      !chosen && quiet ? h("span.small.quiet.push", {}, quiet) : null) : null,
    it.status === "active" ? null : h("p.small.bad", {}, t(`status.${it.status}`)),
    chosen ? details(it, scan, own) : null);
}

/** The panel at the left. */
export function render(place, state, choose) {
  const { scan, unknown, found } = state;
  if (found) return place.replaceChildren(candidates(found, state.pick));
  if (unknown) {
    return place.replaceChildren(h("section.card.empty.fresh", {}, h("strong", {}, t("unknown.title")), h("p", {}, t("unknown.text")), h("p.quiet", {}, unknown)));
  }
  if (!scan) return place.replaceChildren(h("section.card.empty", {}, h("strong", {}, t("idle.title")), h("p", {}, t("idle.text"))));
  const list = h("div.stack", { role: "radiogroup", "aria-labelledby": "customer" },
    ordered(scan).map((it) => membership(it, scan, it.id === state.chosen, choose)));
  return place.replaceChildren(person(scan), list);
}

function candidates(found, pick) {
  const item = (customer, place) => h("li", {}, h("button", { onclick: () => pick(customer.id), autofocus: place === 0 },
    h("span.strong", {}, customer.name), h("span.quiet.small", {}, [customer.phone, customer.external_id].filter(Boolean).join(" · "))));
  return h("section.card.fresh", {}, h("header", {}, h("h2", {}, t("found", { n: found.length }))), h("ul.list", { id: "found" }, found.map(item)));
}
