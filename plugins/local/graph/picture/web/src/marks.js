// Draws what lies above the nodes: letters and labels of nodes that are large enough, and, in full strength over the dimmed rest, what is selected,
// hovered or on the path, with its neighbours and the edges between.
import { GROUP, IDENTITY, incident, MANAGEMENT_GROUP, RESOURCE, SUBSCRIPTION } from "./model.js";
import { inkOn, theme } from "./theme.js";
import { shorten } from "./clusters.js";

const font = '"Inter", "Segoe UI", system-ui, -apple-system, "Helvetica Neue", sans-serif';
const most = 2000; // edges and rings that are drawn one by one

/** drawMarks draws them. labels are the boxes that the names of clusters take. */
export function drawMarks(ctx, t, model, state, labels) {
  const colors = theme();
  const focus = state.focus();
  if (focus === null) {
    letters(ctx, t, model, colors, everything(t, model));
    rings(ctx, t, model, colors, state.found);
    names(ctx, t, model, colors, everything(t, model), 10, [], labels);
    return;
  }
  const nodes = focus.path ? walkOf(focus.path) : [focus.node];
  const edges = focus.path ? focus.path.map(([e]) => e) : incident(model, focus.node).slice(0, most).map(([e]) => e);
  const around = new Set(nodes);
  for (const e of edges) around.add(model.links.source[e]).add(model.links.target[e]);
  for (const e of edges) arrow(ctx, t, model, colors, e, focus.path ? colors.accent : null);
  const list = [...around].filter((i) => !model.hidden[i]);
  for (const i of list) disc(ctx, t, model, colors, i, nodes.includes(i) || i === state.next);
  letters(ctx, t, model, colors, list);
  const first = [...nodes, ...[state.next, state.hovered].filter((i) => i >= 0 && !nodes.includes(i))];
  names(ctx, t, model, colors, [...first, ...list.filter((i) => !first.includes(i)).sort((a, b) => model.radius[b] - model.radius[a])], 0, first, []);
}

const walkOf = (steps) => (steps.length ? [steps[0][1], ...steps.map(([, , at]) => at)] : []);

const place = (t, model, i) => [t.x + model.x[i] * t.k, t.y - model.y[i] * t.k, model.radius[i] * t.k * (model.kind[i] === RESOURCE || model.kind[i] === IDENTITY ? t.grown : 1)];

function* everything(t, model) {
  const { n, x, y, hidden, radius } = model;
  const least = 5.5 / t.k; // smaller ones have neither letters nor labels
  const left = -t.x / t.k - 20, right = (t.width - t.x) / t.k + 20, high = t.y / t.k + 20, low = (t.y - t.height) / t.k - 20;
  for (let i = 0; i < n; i++) {
    if (radius[i] >= least && x[i] > left && x[i] < right && y[i] > low && y[i] < high && !hidden[i]) yield i;
  }
}

const widths = new Map(); // of letters, at one pixel

function widthOf(ctx, text) {
  if (!widths.has(text)) {
    ctx.font = `600 100px ${font}`;
    widths.set(text, Math.max(ctx.measureText(text).width / 100, 0.1));
  }
  return widths.get(text);
}

/** letters writes into each node what it is. */
function letters(ctx, t, model, colors, nodes) {
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const i of nodes) {
    const [x, y, r] = place(t, model, i);
    const text = model.head.types[model.type[i]].letters;
    const size = Math.min(r * 0.85, (r * 1.6) / widthOf(ctx, text));
    if (r < 6 || size < 5) continue;
    ctx.font = `600 ${Math.min(size, 64)}px ${font}`;
    ctx.fillStyle = inkOn(model.missing(i) ? colors.missing : colors.categories[model.category[i]]);
    ctx.fillText(text, x, y + size * 0.04);
  }
}

/** names writes names below nodes, as far as they do not cover each other. strong are the nodes whose names are always written. */
function names(ctx, t, model, colors, nodes, least, strong, labels) {
  const taken = new Map(); // boxes by the row of the screen they begin in
  for (const box of labels) taken.set(Math.floor(box[1] / 20), [...(taken.get(Math.floor(box[1] / 20)) ?? []), box]);
  const rows = (box) => [Math.floor(box[1] / 20) - 1, Math.floor(box[1] / 20), Math.floor(box[1] / 20) + 1];
  let written = 0;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  ctx.lineJoin = "round";
  for (const i of nodes) {
    if (written > 400) return;
    const [x, y, r] = place(t, model, i);
    if (r < (model.kind[i] === MANAGEMENT_GROUP ? Math.min(least, 5.5) : least) || x < -100 || x > t.width + 100 || y < -50 || y > t.height + 50) continue;
    const marked = strong.includes(i);
    if (!marked && (model.kind[i] === SUBSCRIPTION || model.kind[i] === GROUP)) continue; // clusters have their names
    const size = marked ? 13 : 11;
    ctx.font = `${marked ? 600 : 450} ${size}px ${font}`;
    const text = shorten(ctx, model.names[i], marked ? 320 : Math.max(model.kind[i] === MANAGEMENT_GROUP ? 150 : 90, r * 3));
    const width = ctx.measureText(text).width, top = y + r + 3;
    const box = [x - width / 2 - 2, top, x + width / 2 + 2, top + size + 2];
    if (!marked && rows(box).some((row) => (taken.get(row) ?? []).some((o) => box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1]))) continue;
    const row = Math.floor(box[1] / 20);
    taken.set(row, [...(taken.get(row) ?? []), box]);
    written++;
    ctx.strokeStyle = colors.halo;
    ctx.lineWidth = 3.5;
    ctx.strokeText(text, x, top);
    ctx.fillStyle = colors.ink;
    ctx.fillText(text, x, top);
  }
}

function rings(ctx, t, model, colors, found) {
  ctx.strokeStyle = colors.accent;
  ctx.lineWidth = 2;
  ctx.beginPath();
  for (const i of found.slice(0, most)) {
    if (model.hidden[i]) continue;
    const [x, y, r] = place(t, model, i);
    ctx.moveTo(x + Math.max(r, 2) + 3, y);
    ctx.arc(x, y, Math.max(r, 2) + 3, 0, 2 * Math.PI);
  }
  ctx.stroke();
}

function disc(ctx, t, model, colors, i, marked) {
  const [x, y, at] = place(t, model, i);
  const r = Math.max(at, marked ? 5 : 2.5);
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fillStyle = model.missing(i) ? colors.missing : colors.categories[model.category[i]];
  ctx.fill();
  ctx.lineWidth = marked ? 3 : 1.5;
  ctx.strokeStyle = marked ? colors.accent : colors.background;
  ctx.stroke();
}

/** arrow draws an edge as a slight bow, with its head where it points to. */
function arrow(ctx, t, model, colors, e, color) {
  const { source, target } = model.links;
  const [ax, ay] = place(t, model, source[e]), [bx, by, br] = place(t, model, target[e]);
  const dx = bx - ax, dy = by - ay, length = Math.hypot(dx, dy);
  if (length < 1) return;
  const mx = (ax + bx) / 2 - dy * 0.12, my = (ay + by) / 2 + dx * 0.12;
  ctx.strokeStyle = ctx.fillStyle = color ?? colors.categories[model.category[source[e]]];
  ctx.lineWidth = color ? 3 : 1.4;
  ctx.globalAlpha = color ? 1 : 0.75;
  ctx.beginPath();
  ctx.moveTo(ax, ay);
  ctx.quadraticCurveTo(mx, my, bx, by);
  ctx.stroke();
  const away = Math.hypot(bx - mx, by - my), ux = (bx - mx) / away, uy = (by - my) / away;
  const tip = [bx - ux * (br + 2), by - uy * (br + 2)], size = color ? 9 : 6;
  ctx.beginPath();
  ctx.moveTo(...tip);
  ctx.lineTo(tip[0] - ux * size - uy * size * 0.5, tip[1] - uy * size + ux * size * 0.5);
  ctx.lineTo(tip[0] - ux * size + uy * size * 0.5, tip[1] - uy * size - ux * size * 0.5);
  ctx.fill();
  ctx.globalAlpha = 1;
}
