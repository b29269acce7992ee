// F10: what waits for the server or was put aside by it. F9: this till's day.

import { get, post } from "./api.js";
import { sentence, show } from "./dialogs.js";
import { h } from "./dom.js";
import { ago, money, number, page, t, time, unit } from "./words.js";

async function all(state) {
  const items = [];
  let after = "";
  do {
    const found = await get(`/api/queue?state=${state}&limit=500${after}`);
    items.push(...found.items);
    after = found.next ? `&after=${encodeURIComponent(found.next)}` : null;
  } while (after && items.length < 5_000);
  return items;
}

function table(items, id) {
  const row = (it) => h("tr", {}, h("td", {}, known(it.kind), it.reason ? h("p.small.bad", {}, it.reason) : null), h("td", {}, it.receipt ?? it.id),
    h("td.number", {}, time(it.at), h("br"), h("span.small.quiet", {}, t("ago", { span: ago(it.at) }))));
  return h("table", { id }, h("thead", {}, h("tr", {}, h("th", {}, t("queue.what")), h("th", {}, t("queue.receipt")), h("th.number", {}, t("queue.since")))), h("tbody", {}, items.map(row)));
}

const known = (kind) => t(`kind.${kind}`);

/** The queue, with retry and export. */
export async function queue() {
  const place = h("div.stack.queue", {}, h("p.quiet", {}, t("loading")));
  const word = h("p", { role: "status" });
  const load = async () => {
    const [pending, parked] = await Promise.all([all("pending"), all("parked")]);
    const part = (items, name) => items.length ? [h("h3", {}, t(`queue.${name}`, { n: items.length })), table(items, `queue-${name}`)] : [];
    const none = pending.length + parked.length ? [] : [h("p.note.good", { id: "queue-none" }, t("queue.none"))];
    place.replaceChildren(...part(parked, "parked"), ...part(pending, "pending"), ...none);
    return [...parked, ...pending];
  };
  const retry = async (event) => {
    event.currentTarget.disabled = true;
    word.textContent = t("queue.trying");
    try {
      const done = await post("/api/sync");
      await load();
      word.textContent = done.error ?? t("queue.sent", { n: done.pushed });
    } catch (error) {
      word.textContent = sentence(error);
    }
    again.disabled = false;
  };
  const save = async () => {
    const lines = (await load()).map((it) => JSON.stringify(it)).join("\n");
    const link = h("a", { href: URL.createObjectURL(new Blob([`${lines}\n`], { type: "application/jsonl" })), download: `queue-${page.desk.till}.jsonl` });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const again = h("button", { type: "button", onclick: retry, id: "queue-retry" }, t("queue.retry"));
  const body = [h("div.row", {}, again, h("button", { type: "button", onclick: save }, t("queue.export"))), word, place];
  const element = show({ title: t("queue"), body });
  element.querySelector("button").focus();
  await load().catch((error) => place.replaceChildren(h("p.note.bad", {}, sentence(error))));
}

/** The till's day, shown and printed. */
export async function day() {
  const place = h("div.stack", { id: "day" }, h("p.quiet", {}, t("loading")));
  const word = h("p", { role: "status" });
  const print = async () => {
    word.textContent = await post("/page/print", { day: true }).then((it) => t(it.printed ? "print.done" : "print.none"), sentence);
    if (word.textContent === t("print.none")) window.print();
  };
  const paper = h("button", { type: "button", onclick: print, "aria-keyshortcuts": "F8" }, t("receipt.print"), h("kbd", {}, "F8"));
  show({ title: t("day"), body: [place, word, h("div.row", {}, paper)], keys: { F8: print } });
  try {
    const it = await get("/api/day");
    const row = (one) => h("tr", {}, h("td", {}, unit(one.currency)), h("td.number", {}, number(one.earned)), h("td.number", {}, number(one.redeemed)), h("td.number", {}, one.value ? money(one.value.amount, one.value.currency) : "–"));
    place.replaceChildren(h("p", {}, [["day.sales", it.sales], ["day.returns", it.returns], ["day.waiting", it.waiting]].map(([key, n]) => t(key, { count: number(n) })).join(" · ")),
      h("table", {}, h("thead", {}, h("tr", {}, [["day.currency"], ["day.earned", "number"], ["day.redeemed", "number"], ["day.value", "number"]].map(([key, side]) => h("th", { class: side ?? "" }, t(key))))), h("tbody", {}, it.currencies.map(row))));
  } catch (error) {
    place.replaceChildren(h("p.note.bad", {}, sentence(error)));
  }
}
