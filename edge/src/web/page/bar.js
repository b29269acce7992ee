// Always in view: the line and since when, what waits, clock trouble, how far the bootstrap is. Live by server-sent events.

import { get } from "./api.js";
import { at, h } from "./dom.js";
import { ago, number, t, time } from "./words.js";

// a clock that is off by more than this is told, in ms
const OFF_MS = 30_000;

let status = null, heard = true;

function words() {
  if (!heard) return ["bad", t("bar.daemon")];
  if (status.parked) return ["bad", t("bar.parked", { n: status.parked })];
  const waiting = status.pending ? t("bar.waiting", { n: status.pending }) : null;
  if (status.connection === "online") return ["good", [t("bar.online"), waiting].filter(Boolean).join(" · ")];
  const since = status.server_contact_at ? t("bar.offline_since", { time: time(status.server_contact_at) }) : t("bar.offline");
  return ["warn", [since, waiting ?? t("bar.nothing")].join(" · ")];
}

function paint() {
  if (!status && heard) return;
  const [level, text] = words();
  const pill = at("line");
  pill.className = `pill ${level}`;
  if (pill.textContent !== text) pill.textContent = text;
  const since = status?.pending && status.oldest_pending_at;
  // what was written just now needs nobody to know its age
  const oldest = since && Date.now() - new Date(since) >= 60_000 ? t("bar.oldest", { span: ago(status.oldest_pending_at) }) : "";
  at("oldest").hidden = !oldest;
  if (at("oldest").textContent !== oldest) at("oldest").textContent = oldest;
  const off = Math.abs(status?.clock_offset_ms ?? 0);
  at("clock-trouble").hidden = off < OFF_MS;
  at("clock-trouble").textContent = off < OFF_MS ? "" : t("bar.clock", { minutes: number(Math.round(off / 60_000)), seconds: number(Math.round(off / 1000)) });
  const done = status?.bootstrap?.done ?? 1;
  at("boot").hidden = done >= 1;
  if (done < 1) at("boot").replaceChildren(h("progress", { value: done, max: 1, "aria-label": t("boot") }), h("p.small.quiet", {}, t("boot.text", { n: status.members, percent: number(Math.floor(done * 100)) })));
}

/** Listens until the page goes. `told(name, data)` hears every event. */
export function listen(told) {
  const source = new EventSource("/api/events");
  const on = (name, does) => source.addEventListener(name, (event) => { heard = true; does(JSON.parse(event.data)); told(name, JSON.parse(event.data)); paint(); });
  on("status", (it) => { status = it; });
  on("synced", () => {});
  on("decision", () => {});
  on("basket", () => {});
  source.addEventListener("error", () => { heard = false; paint(); });
  source.addEventListener("open", () => { heard = true; });
  return source;
}

/** Asks how the till is: with no line nothing tells that another entry waits. */
export async function ask() {
  status = await get("/api/status").catch(() => status);
  paint();
}

/** The time of day, and ages that grow. */
export function tick() {
  at("clock").textContent = time(new Date());
  ask();
}

/** What the line was when last told. */
export const connection = () => status?.connection ?? null;
