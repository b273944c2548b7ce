// Colours. Those of the categories can be told apart with any kind of colour vision: in the light they are Paul Tol's "muted" scheme, in the dark his
// "light" one, which has one colour less. Letters say the same again.

const light = {
  categories: ["#332288", "#44aa99", "#c9b458", "#aa4499", "#117733", "#999933", "#88ccee", "#cc6677", "#882255", "#8b93a1"],
  background: "#f6f7f9", ink: "#1b2330", faint: "#68717f", line: "90, 104, 128", cluster: "255, 255, 255", rim: "#cfd6e0", group: "#eef1f6", groupRim: "#dde3ec",
  accent: "#2563c9", halo: "rgba(246, 247, 249, 0.9)", onNode: ["#ffffff", "#10202a"], missing: "#b9c0cb",
};
const dark = {
  categories: ["#77aadd", "#44bb99", "#eedd88", "#ffaabb", "#bbcc33", "#aaaa00", "#99ddff", "#ee8866", "#c59bea", "#98a2b3"],
  background: "#0e1219", ink: "#e8ecf3", faint: "#8d98aa", line: "150, 168, 200", cluster: "20, 26, 36", rim: "#2b3546", group: "#1a2230", groupRim: "#263145",
  accent: "#7fb4ff", halo: "rgba(14, 18, 25, 0.88)", onNode: ["#ffffff", "#0e1620"], missing: "#4a5568",
};

const system = matchMedia("(prefers-color-scheme: dark)");
let chosen = null; // what the switch says; null follows the system
const told = new Set();

/** theme is the colours now. */
export const theme = () => (isDark() ? dark : light);

export const isDark = () => (chosen ?? (system.matches ? "dark" : "light")) === "dark";

/** toggle switches between light and dark. */
export function toggle() {
  chosen = isDark() ? "light" : "dark";
  apply();
}

/** changed calls a function when the colours change. */
export const changed = (call) => told.add(call);

function apply() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  for (const call of told) call();
}

system.addEventListener("change", apply);
document.documentElement.dataset.theme = isDark() ? "dark" : "light";

/** inkOn is the colour for letters on a colour: the one that is easier to read. */
export function inkOn(color) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  return theme().onNode[0.299 * r + 0.587 * g + 0.114 * b < 140 ? 0 : 1];
}
