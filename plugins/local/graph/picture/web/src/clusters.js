// Draws the clusters below the nodes: subscriptions, the groups in them, the tree of management groups above, and their labels.
import { MANAGEMENT_GROUP, SUBSCRIPTION } from "./model.js";
import { theme } from "./theme.js";
import { count } from "./dom.js";

const font = '"Inter", "Segoe UI", system-ui, -apple-system, "Helvetica Neue", sans-serif';
let labels = []; // of the last frame: cluster and box

const large = (kind) => kind !== "group" && kind !== "loose" && kind !== "identity";

/** drawClusters draws them, and answers those that can be seen. */
export function drawClusters(ctx, t, model) {
  const colors = theme(), { clusters } = model.head;
  ctx.clearRect(0, 0, t.width, t.height);
  tree(ctx, t, model, colors);
  const visible = [];
  clusters.forEach((c, i) => {
    const p = { i, c, x: t.x + c.x * t.k, y: t.y - c.y * t.k, r: c.r * t.k };
    if (p.x + p.r < 0 || p.x - p.r > t.width || p.y + p.r < -30 || p.y - p.r > t.height || p.r < 1) return;
    visible.push(p);
  });
  visible.sort((a, b) => large(b.c.kind) - large(a.c.kind)); // the outer ones first
  const few = visible.filter((p) => large(p.c.kind)).length <= 8; // shadows take time
  for (const { c, x, y, r } of visible) {
    const outer = large(c.kind);
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    if (outer) {
      ctx.save();
      if (few) {
        ctx.shadowColor = "rgba(16, 24, 40, 0.10)";
        ctx.shadowBlur = Math.min(24, r / 8);
        ctx.shadowOffsetY = Math.min(6, r / 40);
      }
      ctx.fillStyle = `rgb(${colors.cluster})`;
      ctx.fill();
      ctx.restore();
    } else {
      ctx.fillStyle = colors.group;
      ctx.fill();
    }
    ctx.lineWidth = outer ? 1.25 : 1;
    ctx.strokeStyle = outer ? colors.rim : colors.groupRim;
    if (c.kind === "elsewhere") ctx.setLineDash([5, 4]);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  return visible;
}

/** tree draws the lines from each management group to what is below it. */
function tree(ctx, t, model, colors) {
  ctx.strokeStyle = colors.rim;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (let i = 0; i < model.n; i++) {
    const above = model.parent[i];
    if (above < 0 || (model.kind[i] !== SUBSCRIPTION && model.kind[i] !== MANAGEMENT_GROUP)) continue;
    const a = [t.x + model.x[above] * t.k, t.y - model.y[above] * t.k], b = [t.x + model.x[i] * t.k, t.y - model.y[i] * t.k];
    const half = (a[1] + b[1]) / 2;
    ctx.moveTo(...a);
    ctx.bezierCurveTo(a[0], half, b[0], half, ...b);
  }
  ctx.stroke();
}

/** drawLabels writes the names of clusters, above the nodes, as far as they do not cover each other, and answers the boxes that they take. */
export function drawLabels(ctx, t, model, visible) {
  const colors = theme(), taken = [];
  labels = [];
  ctx.textAlign = "center";
  ctx.textBaseline = "alphabetic";
  ctx.lineJoin = "round";
  const sorted = visible.filter((p) => p.c.name).sort((a, b) => large(b.c.kind) - large(a.c.kind) || b.r - a.r);
  for (const p of sorted) {
    const outer = large(p.c.kind);
    if (p.r < (outer ? 16 : 30)) continue;
    const size = outer ? Math.min(17, Math.max(12, p.r / 12)) : Math.min(12.5, Math.max(10, p.r / 9));
    ctx.font = `${outer ? 600 : 500} ${size}px ${font}`;
    const text = shorten(ctx, p.c.name, Math.max(outer ? 150 : 80, p.r * 2));
    const width = ctx.measureText(text).width;
    const x = p.x, rim = (p.c.node >= 0 ? model.radius[p.c.node] : 0) * t.k;
    const y = p.y - p.r - Math.max(rim, 2) - (outer ? 7 : 3);
    const more = outer && p.r > 40 ? count(p.c.count) : "", moreFont = `400 ${size * 0.78}px ${font}`;
    const box = [x - width / 2 - 4, y - size - 1, x + width / 2 + 4, y + 4];
    const covers = (o) => box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1];
    if (taken.some(covers)) continue;
    labels.push({ cluster: p.i, box });
    const write = (what, at, color) => {
      ctx.strokeStyle = colors.halo;
      ctx.lineWidth = 4;
      ctx.strokeText(what, at, y);
      ctx.fillStyle = color;
      ctx.fillText(what, at, y);
    };
    write(text, x, outer ? colors.ink : colors.faint);
    if (more) {
      ctx.font = moreFont;
      const room = ctx.measureText(more).width;
      write(more, x + width / 2 + 7 + room / 2, colors.faint);
      box[2] += room + 7;
    }
    taken.push(box);
    if (outer && rim > 2) taken.push([x - rim, y, x + rim, y + 2 * rim + 7]);
  }
  return taken;
}

/** shorten cuts a text so that it has its room. */
export function shorten(ctx, text, room) {
  if (ctx.measureText(text).width <= room) return text;
  let low = 1, high = Math.min(text.length, 200);
  while (low < high) {
    const half = (low + high + 1) >> 1;
    if (ctx.measureText(text.slice(0, half) + "…").width <= room) low = half;
    else high = half - 1;
  }
  return text.slice(0, low) + "…";
}

export function labelAt(p) {
  return labels.find(({ box }) => p.x >= box[0] && p.x <= box[2] && p.y >= box[1] && p.y <= box[3])?.cluster ?? -1;
}

export function clusterAt(t, model, p) {
  let best = -1, smallest = Infinity;
  model.head.clusters.forEach((c, i) => { // the innermost one
    const d = Math.hypot(t.x + c.x * t.k - p.x, t.y - c.y * t.k - p.y);
    if (d < c.r * t.k && c.r < smallest) [best, smallest] = [i, c.r];
  });
  return best;
}
