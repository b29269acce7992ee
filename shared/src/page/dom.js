// Elements made from values; text is always text, never markup.

/** An element. Properties that begin with `on` are listeners; `null`, `false` and `undefined` leave one out. */
export function h(tag, properties = {}, ...inside) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name || "div");
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className += ` ${value}`;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...inside.flat(Infinity).filter((it) => it !== null && it !== undefined && it !== false));
  return made;
}

/** The bar of a program's colour. */
export function colour(value) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("preserveAspectRatio", "none");
  for (const [key, it] of [["width", "100%"], ["height", "100%"], ["fill", /^#[0-9a-f]{3,8}$/i.test(value) ? value : "#5d584e"]]) rect.setAttribute(key, it);
  svg.append(rect);
  return svg;
}

/** The element with an id. */
export const at = (id) => document.getElementById(id);
