// The till's page: state, keys, and what is done with a scan. Each panel is a module of its own.

import { account } from "./account.js";
import { get, post } from "./api.js";
import * as bar from "./bar.js";
import * as basket from "./basket.js";
import * as deeds from "./deeds.js";
import * as dialogs from "./dialogs.js";
import { at } from "./dom.js";
import * as member from "./member.js";
import { day, queue } from "./queue.js";
import * as receipt from "./receipt.js";
import * as ways from "./ways.js";
import { page, t } from "./words.js";
import { listen } from "./wedge.js";

const { desk } = page;
const field = at("scan");
const blank = () => ({ scan: null, unknown: null, found: null, chosen: null, basket: basket.fresh(desk), quote: null, way: null, points: null, value: null, approval: null, hold: null, receipt: null });
let state = { ...blank(), pick };
let asked = 0;

const say = (text, level = "") => {
  at("told").className = `note ${level}`;
  at("told").textContent = text ?? "";
  at("told").hidden = !text;
};

const here = () => state.scan?.memberships.find((it) => it.id === state.chosen) ?? null;

/** Paints everything; `name` is a mark in the browser's timeline for when it is on the glass. */
function paint(name) {
  member.render(at("who"), state, choose);
  at("done").hidden = !state.receipt;
  at("buying").hidden = Boolean(state.receipt);
  if (state.receipt) receipt.render(at("done"), state.receipt, { print });
  else {
    basket.render(at("basket"), state, remove);
    ways.render(at("ways"), state, does);
  }
  actions();
  if (name) requestAnimationFrame(() => setTimeout(() => performance.measure(name, { start: began, end: performance.now() })));
}
let began = 0;

function actions() {
  const full = state.basket.lines.length > 0;
  at("main-word").textContent = t(state.receipt ? "deed.next" : "deed.complete");
  at("main").disabled = !state.receipt && !full;
  at("hold").disabled = Boolean(state.receipt) || !holdable();
  at("hold-word").textContent = t(state.hold ? "deed.held" : "deed.hold");
  at("hold").hidden = Boolean(state.receipt);
}

const holdable = () => state.way !== null && state.quote?.ways[state.way]?.kind === "points" && !state.hold;

/** Does something; what goes wrong is said where the cashier looks. */
async function doing(deed) {
  try {
    say("");
    await deed();
  } catch (error) {
    if (error.status !== 401) say(dialogs.sentence(error), "bad");
  }
}

// --- who

async function scanned(code) {
  began = performance.now();
  if (dialogs.scanned(code)) return;
  // the next customer's card does not get into the sale that is being completed
  await selling?.catch(() => {});
  if (state.receipt) next();
  await doing(async () => {
    try {
      known(await post("/api/scan", { code }));
    } catch (error) {
      if (error.code !== "unknown_card") throw error;
      Object.assign(state, { scan: null, found: null, unknown: code, chosen: null });
      paint("scan-to-member");
      await quote();
    }
  });
  focus();
}

function known(scan) {
  const memberships = member.ordered(scan);
  const opened = memberships.find((it) => it.here && it.id === scan.card?.membership_id);
  Object.assign(state, { scan, unknown: null, found: null, chosen: (opened ?? memberships[0])?.id ?? null, way: null, points: null, value: null, approval: null, hold: null });
  paint("scan-to-member");
  return quote();
}

function choose(id) {
  letGo();
  Object.assign(state, { chosen: id, way: null, points: null, value: null, approval: null, hold: null });
  paint();
  return doing(quote);
}

async function pick(id) {
  await doing(async () => known(await get(`/api/customers/${id}`)));
  focus();
}

async function lookUp(by, text) {
  const { items } = await get(`/api/customers?${by}=${encodeURIComponent(text)}`);
  if (items.length === 0) return say(t("found.none", { text }), "warn");
  if (items.length === 1) return known(await get(`/api/customers/${items[0].id}`));
  Object.assign(state, { found: items, scan: null, unknown: null, chosen: null });
  paint();
  return document.querySelector("#found button")?.focus();
}

/** What was typed into the scan's field: a line, a card, a phone number, an e-mail or a name. */
async function command(text) {
  const line = basket.typed(text);
  if (line) return add(line);
  if (text.includes("@")) return lookUp("email", text);
  const digits = text.replace(/[\s()+-]/g, "");
  if (!/^\d{5,}$/.test(digits)) {
    if (!/\d/.test(text)) return lookUp("name", text);
    return scanned(text);
  }
  try {
    began = performance.now();
    return await known(await post("/api/scan", { code: digits }));
  } catch (error) {
    if (!["unknown_card", "invalid_card", "not_found"].includes(error.code)) throw error;
    const { items } = await get(`/api/customers?phone=${encodeURIComponent(text)}`);
    if (items.length) return lookUp("phone", text);
    return error.code === "unknown_card" ? scanned(digits) : say(t("found.none", { text }), "warn");
  }
}

// --- what is bought

const request = () => state.basket.lines.map((line) => ({ ...line }));

async function quote() {
  const number = ++asked;
  const membership = here();
  if (!membership?.here || !state.basket.lines.length) {
    state.quote = null;
    return paint();
  }
  const found = await post(`/api/memberships/${membership.id}/quote`, { currency: state.basket.currency, lines: request() });
  if (number !== asked) return undefined;
  Object.assign(state, { quote: found, way: found.ways[state.way] && !found.ways[state.way].refusal ? state.way : null, points: null, value: null });
  return paint();
}

function add(line) {
  if (state.receipt) next();
  if (state.basket.from !== "page") return say(t("basket.from_pos"), "warn");
  state.basket.lines.push(line);
  state.basket.key = crypto.randomUUID();
  paint();
  return quote();
}

function remove(place) {
  state.basket.lines.splice(place, 1);
  state.basket.key = crypto.randomUUID();
  doing(quote);
  focus();
}

// --- the ways to redeem

const does = {
  choose(place) {
    const same = state.way === place;
    letGo();
    Object.assign(state, { way: same ? null : place, points: null, value: null, approval: null, hold: null });
    paint();
  },
  step(by) {
    const way = state.quote.ways[state.way];
    const each = Number(desk.steps[here().program.code] ?? 1) || 1;
    const now = Number(state.points ?? way.points);
    const points = Math.min(Number(way.points), Math.max(each, now + by * each));
    state.points = String(points);
    state.value = String(Number(way.value.amount) * points / Number(way.points));
    paint();
  },
  pin(row) {
    const most = Math.min(Number(row.available), affordable());
    deeds.approve(state.chosen, row, String(most), (approval, points) => {
      const worth = member.account(here()).cash_value;
      const value = each() * Number(points);
      Object.assign(state, { approval, points: null, value: null, way: null, approved: { currency: row.currency, points, value, money: worth?.currency ?? desk.currency } });
      say(t("way.approved", { points }), "good");
      paint();
    });
  },
};

/** What one point pays, for the eye; the till's own sum is what counts. */
function each() {
  const own = member.account(here());
  return Number(own.cash_value?.amount ?? 0) / (Number(own.spendable) || 1);
}

/** The points that pay the whole basket, at the currency's worth. */
const affordable = () => each() ? Math.floor(basket.total(state.basket) / each() + 1e-6) : Number(member.account(here()).spendable);

function redeem() {
  if (state.hold) return [{ hold: state.hold.id }];
  if (state.approval) return [{ currency: state.approved.currency, points: state.approved.points }];
  const way = state.quote?.ways?.[state.way];
  if (!way) return [];
  if (way.kind === "points") return [{ currency: way.currency, points: state.points ?? way.points }];
  return [way.voucher ? { voucher: way.voucher } : { reward: way.reward, quantity: "1" }];
}

async function hold() {
  if (!holdable()) return;
  const way = state.quote.ways[state.way];
  const asking = { membership_id: state.chosen, currency: way.currency, points: state.points ?? way.points };
  state.hold = await post("/api/holds", asking, crypto.randomUUID());
  say(t("deed.held_until", { points: asking.points }), "good");
  paint();
}

// --- the main action

// the sale that is being completed, and when the last one was
let selling = null, sold = 0;
// a second Enter so soon is the first one's, and takes no receipt away, in ms
const SOON_MS = 300;

async function complete() {
  if (state.receipt) return performance.now() - sold < SOON_MS ? undefined : next();
  if (selling || !state.basket.lines.length) return undefined;
  began = performance.now();
  at("main").disabled = true;
  const sale = { receipt: state.basket.receipt, currency: state.basket.currency, lines: request(), cashier: page.operator, redeem: redeem() };
  if (state.approval) sale.approval = state.approval;
  if (here()?.here) sale.membership_id = state.chosen;
  else if (state.unknown) sale.card = state.unknown;
  else if (state.scan) sale.customer_id = state.scan.customer.id;
  try {
    // the key belongs to what is asked: another way to redeem is another sale
    selling = post("/api/transactions", sale, `${state.basket.key}-${state.way ?? "-"}-${state.points ?? "-"}-${state.chosen ?? "-"}-${state.approval ?? "-"}`);
    const receipt = await selling;
    state.receipt = receipt;
    sold = performance.now();
    paint("key-to-receipt");
    bar.ask();
    if (state.scan) refresh();
    at("done").firstElementChild?.focus();
  } finally {
    selling = null;
    actions();
  }
  return focus();
}

/** Gives held points free that no sale will take. */
function letGo() {
  if (state.hold && !state.receipt) post(`/api/holds/${state.hold.id}/release`).catch(() => {});
}

function next() {
  field.value = "";
  letGo();
  state = { ...blank(), pick };
  say("");
  paint();
  focus();
}

async function print() {
  await doing(async () => {
    const { printed } = await post("/page/print", { transaction: state.receipt.id });
    if (printed) say(t("print.done"), "good");
    else window.print();
  });
}

// --- the keys, the scanner, the line

const shown = (scan) => { bar.ask(); if (scan.memberships) known(scan); };
const returned = (it) => { state = { ...blank(), pick, receipt: it }; paint(); focus(); bar.ask(); };
const menu = {
  F1: () => here() ? account(here(), (it) => { returned(it); }, () => { say(t("consent.done", { name: state.scan.customer.name }), "good"); }) : say(t("account.who"), "warn"),
  F2: () => deeds.giveBack({ membership: here(), name: state.scan?.customer.name }, returned),
  F3: () => deeds.enrol(state.unknown, (scan) => { shown(scan); say(t("enrol.done", { name: scan.customer.name }), "good"); }),
  F4: () => deeds.lost(state.scan?.card?.code, (scan, status) => { shown(scan); say(t(`lost.done`, { what: t(`lost.${status}`) }), "good"); }),
  F5: () => ways.press(state, "F5", does), F6: () => ways.press(state, "F6", does), F7: () => ways.press(state, "F7", does),
  F8: () => state.receipt ? print() : doing(hold),
  F9: day, F10: queue, Escape: () => selling ? undefined : next(),
};

function arrows(by) {
  if (!state.scan || state.found) return;
  const list = member.ordered(state.scan);
  const place = list.findIndex((it) => it.id === state.chosen);
  choose(list[(place + by + list.length) % list.length].id);
}

function keys(event) {
  if (event.key === "l" && event.ctrlKey) {
    event.preventDefault();
    return lock();
  }
  if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
  if (/^F([1-9]|10)$/.test(event.key)) event.preventDefault();
  if (dialogs.current()) return dialogs.key(event.key);
  const inList = document.activeElement?.closest?.("#found");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const by = event.key === "ArrowDown" ? 1 : -1;
    if (!inList) return arrows(by);
    const all = [...document.querySelectorAll("#found button")];
    return all[(all.indexOf(document.activeElement) + by + all.length) % all.length].focus();
  }
  if (event.key === "Enter" && (document.activeElement === field || document.activeElement === document.body || at("done").contains(document.activeElement))) {
    if (document.activeElement?.tagName === "BUTTON") return undefined;
    event.preventDefault();
    const text = field.value.trim();
    field.value = "";
    return doing(() => text ? command(text) : complete());
  }
  return menu[event.key]?.();
}

const focus = () => { if (!dialogs.current() && !state.found) field.focus({ preventScroll: true }); };

/** Back from a dialog. The browser has given the focus back already, while the page was still inert, and then takes no
 *  keys for the field: it is given anew. */
function back() {
  field.blur();
  focus();
}

async function lock() {
  source?.close();
  await post("/page/sign-out").catch(() => {});
  location.reload();
}

let source = null, idle = 0;
const active = () => { clearTimeout(idle); idle = setTimeout(lock, desk.lock_minutes * 60_000); };

function told(name, data) {
  if (name === "basket") fromPos(data);
  if (name === "decision") say(data.text);
  // what the server told may have changed a balance that is on the glass
  if (name === "synced" && state.scan && !state.receipt && !dialogs.current()) refresh();
}

/** Reads the member again, and keeps what was chosen. */
async function refresh() {
  const { customer, card } = state.scan;
  const scan = await get(`/api/customers/${customer.id}`).catch(() => null);
  if (!scan || state.scan?.customer.id !== customer.id) return;
  state.scan = { ...scan, card };
  member.render(at("who"), state, choose);
  if (!state.receipt) await quote().catch(() => {});
}

function fromPos(sent) {
  state = { ...state, basket: { ...basket.fresh(desk), ...sent, from: "pos" }, receipt: null, quote: null, way: null };
  if (sent.card && !state.scan) return scanned(sent.card);
  paint();
  return doing(quote);
}

function begin() {
  listen(scanned, desk.scanner);
  document.addEventListener("keydown", keys);
  for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, active, true);
  document.addEventListener("dialog-closed", back);
  document.addEventListener("signed-out", () => location.reload());
  document.addEventListener("click", (event) => { if (!event.target.closest("button, input, select, dialog, a, label")) focus(); });
  at("main").addEventListener("click", () => doing(complete));
  at("hold").addEventListener("click", () => doing(hold));
  for (const button of document.querySelectorAll("[data-key]")) button.addEventListener("click", () => menu[button.dataset.key]?.());
  at("lock").addEventListener("click", lock);
  source = bar.listen(told);
  setInterval(bar.tick, 10_000);
  bar.tick();
  active();
  get("/api/basket").then((sent) => { if (sent.lines?.length) fromPos(sent); }, () => {});
  paint();
  focus();
}

begin();
