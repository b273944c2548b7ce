// Makes elements. Text is always a text node: no name of Azure is ever read as markup.

/** el makes an element: properties, then children, which are elements or texts. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

/** fill gives an element other children; null is none. */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((c) => c !== null && c !== undefined && c !== false));
}

/** byId is an element of the page. */
export const byId = (id) => document.getElementById(id);

/** count writes a number with its thousands apart. */
export const count = (n) => n.toLocaleString("en-US");

/** plural writes a number of things. */
export const plural = (n, one, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;

/** say tells what happened to those who hear the page. */
export function say(text) {
  byId("live").textContent = text;
}

/** dot is a disc of a category's colour. */
export function dot(category, letters = "") {
  return el("span", { className: `dot c${category}`, "aria-hidden": "true" }, letters);
}

let timer;
/** toast shows a sentence for some seconds. */
export function toast(text) {
  const t = byId("toast");
  t.textContent = text;
  t.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => (t.hidden = true), 4000);
  say(text);
}

/** calm says that the reader wants no motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
