// The page's language: messages with places and plurals, numbers, money and times by locale.

/** What the server put into the page for its modules. */
export const page = JSON.parse(document.getElementById("page").textContent);

const { locale, words } = page;
const plural = new Intl.PluralRules(locale);

/** A message. `{name}` is replaced by `values.name`; `values.n` chooses the plural. */
export function t(key, values = {}) {
  const form = "n" in values ? words[`${key}.${plural.select(Number(values.n))}`] ?? words[`${key}.other`] : undefined;
  const text = form ?? words[key] ?? key;
  const fill = (name) => name === "n" ? number(values.n) : name === "currency" ? unit(values.currency) : String(values[name] ?? "");
  return text.replace(/\{(\w+)\}/g, (_, name) => fill(name));
}

/** A message, or null where there is none with this key. */
export const known = (key, values) => key in words ? t(key, values) : null;

/** A decimal string in the locale's way, none of its places lost. */
export function number(text) {
  const places = (String(text).split(".")[1] ?? "").length;
  return new Intl.NumberFormat(locale, { minimumFractionDigits: places, maximumFractionDigits: places }).format(Number(text));
}

/** What a points currency is called, such as points. */
export function unit(code) {
  const name = page.desk?.currencies?.[code] ?? code;
  return /^[A-Z][a-z]+$/.test(name) ? name.toLowerCase() : name;
}

/** Money in the locale's way. */
export function money(amount, currency) {
  return new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(Number(amount));
}

/** What a currency is called in a heading. */
export function symbol(currency) {
  const parts = new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).formatToParts(1);
  return parts.find((part) => part.type === "currency")?.value ?? currency;
}

const zone = page.desk?.time_zone;

/** An instant as a time of day, with its date where that is another day. */
export function time(at) {
  const date = new Date(at), day = (it) => it.toLocaleDateString("en-CA", { timeZone: zone });
  const clock = date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zone });
  if (day(date) === day(new Date())) return clock;
  return `${date.toLocaleDateString(locale, { day: "numeric", month: "short", timeZone: zone })} ${clock}`;
}

/** A date such as 2026-12-31. */
export function date(text) {
  const near = Math.abs(new Date(text) - Date.now()) < 300 * 86_400_000;
  const shape = near ? { day: "numeric", month: "short" } : { day: "numeric", month: "short", year: "numeric" };
  return new Date(`${text}T00:00:00Z`).toLocaleDateString(locale, { ...shape, timeZone: "UTC" });
}

/** A month of a date. */
export const month = (text) => new Date(`${text}T00:00:00Z`).toLocaleDateString(locale, { month: "short", year: "numeric", timeZone: "UTC" });

/** How long ago in words, such as 2 h 44 min. */
export function ago(at) {
  const minutes = Math.max(0, Math.floor((Date.now() - new Date(at)) / 60_000));
  if (!minutes) return t("span.moment");
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days) return t("span.days", { days: number(days), hours: number(hours) });
  if (hours) return t("span.hours", { hours: number(hours), minutes: number(minutes % 60) });
  return t("span.minutes", { minutes: number(minutes) });
}
