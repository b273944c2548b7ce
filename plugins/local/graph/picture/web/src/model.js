// The graph as typed arrays: small, and quick to walk through at a million edges.
import { bytes, columns, json, whole } from "./data.js";

/** Kinds of nodes, by their place in head.kinds. */
export const RESOURCE = 0, MANAGEMENT_GROUP = 1, SUBSCRIPTION = 2, GROUP = 3, IDENTITY = 4;

/** load reads what the first look needs. */
export async function load() {
  const [head, data, names] = await Promise.all([json("head"), bytes("nodes"), json("names")]);
  const n = head.nodes;
  const [dx, dy, home, parent, type, location, r, flags] = columns(data, n, [Int32Array, Int32Array, Int32Array, Int32Array, Uint16Array, Uint16Array, Uint16Array, Uint8Array]);
  const x = new Float32Array(n), y = new Float32Array(n), radius = new Float32Array(n), kind = new Uint8Array(n), category = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const c = home[i] < 0 ? { x: 0, y: 0 } : head.clusters[home[i]];
    x[i] = c.x + dx[i] / head.unit;
    y[i] = c.y + dy[i] / head.unit;
    radius[i] = r[i] / head.unit;
    kind[i] = flags[i] >> 1;
    category[i] = head.types[type[i]].category;
  }
  const top = head.clusters.map((c, i) => {
    let at = i;
    while (head.clusters[at].parent >= 0) at = head.clusters[at].parent;
    return at;
  });
  return {
    head, n, x, y, radius, kind, type, category, home, parent, location, names, top,
    missing: (i) => (flags[i] & 1) === 1,
    hidden: new Uint8Array(n), // by the filter
    links: null, // see loadLinks
    tags: null, ids: null,
  };
}

/** loadLinks reads the edges: m of them, and for each node where its own begin in around. */
export async function loadLinks(model) {
  await whole;
  const m = model.head.edges;
  const [data, words] = await Promise.all([bytes("edges"), json("words")]);
  const [source, target, detail, relation] = columns(data, m, [Uint32Array, Uint32Array, Uint32Array, Uint8Array]);
  for (let e = 1; e < m; e++) source[e] += source[e - 1];
  const begin = new Uint32Array(model.n + 1);
  for (let e = 0; e < m; e++) {
    begin[source[e] + 1]++;
    if (target[e] !== source[e]) begin[target[e] + 1]++;
  }
  for (let i = 0; i < model.n; i++) begin[i + 1] += begin[i];
  const around = new Uint32Array(begin[model.n]), next = begin.slice();
  for (let e = 0; e < m; e++) {
    around[next[source[e]]++] = e;
    if (target[e] !== source[e]) around[next[target[e]]++] = e;
  }
  model.links = { m, source, target, detail, relation, begin, around, words, off: new Uint8Array(model.head.relations.length) };
}

/** loadTags reads the tags: list of [name, value], and of each node the indexes of its own. */
export async function loadTags(model) {
  await whole;
  model.tags ??= await json("tags");
  return model.tags;
}

let ids;
/** loadIds reads the ids of all nodes, once. */
export function loadIds(model) {
  ids ??= whole.then(() => json("ids")).then((list) => (model.ids = list));
  return ids;
}

const chunks = new Map();
let places;
/** detailOf reads the fields of a node: pairs of name and value. Pieces that were read stay. */
export async function detailOf(model, node) {
  await whole;
  places ??= bytes("at").then((data) => columns(data, model.n, [Uint32Array])[0]);
  const at = (await places)[node];
  if (at === 0xffffffff) return [];
  const chunk = Math.floor(at / model.head.chunk);
  if (!chunks.has(chunk)) chunks.set(chunk, json(`d${chunk}`));
  return (await chunks.get(chunk))[at % model.head.chunk];
}

/** CONTAINS says that a relation is containment, which the clusters show. */
export function contains(model, relation) {
  return /^CONTAINS$|^CHILD/i.test(model.head.relations[relation]);
}

/** incident answers the edges of a node that are not filtered out: [edge, other end, whether it leaves the node]. */
export function incident(model, node) {
  const l = model.links, found = [];
  if (!l) return found;
  for (let k = l.begin[node]; k < l.begin[node + 1]; k++) {
    const e = l.around[k];
    if (l.off[l.relation[e]]) continue;
    const out = l.source[e] === node, end = out ? l.target[e] : l.source[e];
    if (!model.hidden[end]) found.push([e, end, out]);
  }
  return found;
}

/**
 * path answers the edges of a shortest way between two nodes, whichever way they point, or null. It goes over containment only where there is no
 * other way, for by way of the tenant everything is connected.
 */
export function path(model, from, to) {
  return walk(model, from, to, false) ?? walk(model, from, to, true);
}

function walk(model, from, to, containment) {
  const l = model.links;
  const before = new Int32Array(model.n).fill(-2); // the edge by which a node was reached
  before[from] = -1;
  const queue = [from];
  for (let head = 0; head < queue.length && before[to] === -2; head++) {
    for (const [e, end] of incident(model, queue[head])) {
      if (before[end] !== -2 || (!containment && contains(model, l.relation[e]))) continue;
      before[end] = e;
      queue.push(end);
    }
  }
  if (before[to] === -2) return null;
  const steps = [];
  for (let at = to; at !== from; ) {
    const e = before[at], end = l.source[e] === at ? l.target[e] : l.source[e];
    steps.push([e, end, at]);
    at = end;
  }
  return steps.reverse();
}
