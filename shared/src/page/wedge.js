// Tells a scanner that types from a person who types: by its speed, or by what it puts before and after a code. Works
// wherever the focus is; what the scanner typed into a field is taken out of it again.

// the mean time between two keys of a scanner, in ms, at the most; people need more
const GAP_MS = 30;
// a pause that long ends any burst, in ms
const PAUSE_MS = 250;
// one that long ends even what says of itself that it is a scan: the till may be busy, in ms
const LOST_MS = 3_000;
// a gap that long is a person's, in ms, unless what began says that it is a scan
const SLOW_MS = 50;
// fewer characters are no code
const LEAST = 6;
// what a scanner may be set to put first: an AIM symbology identifier, such as ]C1
const AIM = /^\][A-Za-z][0-9A-Za-z]/;

/** A burst of keys as it grows. Pure but for what it is handed. In a secret field, such as a PIN's, speed proves nothing:
 * people are quick at what they type all day. There only what the scanner puts first tells a scan. */
export function burst(settings = {}) {
  const { prefix = "", suffix = "Enter" } = settings;
  let text = "", began = 0, last = 0, secret = false;
  const reset = () => { text = ""; began = 0; last = 0; };
  const marked = () => text.startsWith("]") || Boolean(prefix) && text.startsWith(prefix);
  const code = () => {
    if (prefix && text.startsWith(prefix)) return text.slice(prefix.length);
    if (AIM.test(text)) return text.slice(3);
    if (secret) return null;
    const fast = text.length >= LEAST && (last - began) / (text.length - 1) <= GAP_MS;
    return fast ? text : null;
  };
  return {
    /** Takes a key at a time in ms; answers a code when the key ends one. */
    key(key, at, inSecret = false) {
      if (key === suffix) {
        const slow = text && at - last > (marked() ? LOST_MS : PAUSE_MS);
        const found = text && !slow ? code() : null;
        reset();
        return found || null;
      }
      if ([...key].length !== 1) return null;
      // what a person typed just before a scan is no part of it
      const gap = at - last;
      if (text && gap > (marked() ? LOST_MS : SLOW_MS)) reset();
      if (!text) [began, secret] = [at, inSecret];
      text += key;
      last = at;
      return null;
    },
    /** Whether what came so far is too fast for a person. */
    fast: () => text.length >= LEAST && code() !== null,
    length: () => text.length,
  };
}

/** Calls `scanned(code)` for every scan on this page. */
export function listen(scanned, settings) {
  const keys = burst(settings);
  let field = null, before = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const at = event.timeStamp;
    const code = keys.key(event.key, at, event.target.type === "password");
    if (code !== null) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (field) field.value = before;
      field = null;
      scanned(code);
    } else if (keys.length() === 1) {
      const target = event.target;
      field = target instanceof HTMLInputElement && target.type !== "checkbox" && target.type !== "radio" ? target : null;
      before = field ? field.value : "";
    } else if (event.key === " " && keys.fast()) {
      // a blank in a code presses no button
      event.preventDefault();
    }
  }, true);
}
