// The daemon's JSON API. What goes wrong is a Problem, whose `detail` can be shown to whoever is there.

/** A problem as the API tells it. */
export class Problem extends Error {
  constructor(body) {
    super(body.detail);
    Object.assign(this, body);
  }
}

async function send(method, path, body, key) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const options = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) options.body = JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Problem({ code: "unreachable", status: 0, detail: null });
  }
  const text = await answer.text();
  let read = {};
  try { read = text ? JSON.parse(text) : {}; } catch { /* told by the status alone */ }
  if (answer.ok) return read;
  if (answer.status === 401) document.dispatchEvent(new CustomEvent("signed-out"));
  throw new Problem({ code: "unavailable", status: answer.status, detail: null, ...read });
}

/** Reads. */
export const get = (path) => send("GET", path);
/** Does; `key` makes a repeat harmless. */
export const post = (path, body = {}, key) => send("POST", path, body, key);
