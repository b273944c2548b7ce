// The details of a node: what it is, its properties and tags, and its neighbours by relationship.
import { byId, count, dot, el, fill, toast } from "./dom.js";
import { incident, loadIds } from "./model.js";

const few = 12; // neighbours of a kind that are listed before "more"

export class Panel {
  constructor(app, detailOf) {
    this.app = app;
    this.detailOf = detailOf;
    this.root = byId("panel");
  }

  hide() {
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  /** show fills the panel. Properties come a moment later, when their piece has been opened. */
  show(node) {
    const { model, clear, view, paths } = this.app;
    const type = model.head.types[model.type[node]];
    const fields = el("dl", { id: "fields" });
    const id = el("span", { className: "id" });
    this.root.hidden = false;
    fill(this.root,
      el("header", {},
        dot(model.category[node], type.letters),
        el("div", { className: "title" }, el("h2", { id: "panel-name" }, model.names[node] || "(no name)"), el("p", { className: "faint" }, type.name || "unknown type")),
        el("button", { type: "button", className: "icon", "aria-label": "Close the details (Esc)", title: "Close (Esc)", onclick: clear }, "✕"),
      ),
      model.missing(node) ? el("p", { className: "note" }, "Something names this, but the scan did not find it: it was deleted, lies outside of what was scanned, or may not be read.") : null,
      el("div", { className: "actions" },
        el("button", { type: "button", onclick: () => view.show(node) }, "Go to"),
        el("button", { type: "button", id: "path-from", onclick: () => paths.begin(node) }, "Path to …"),
        el("button", { type: "button", onclick: () => loadIds(model).then((ids) => copy(ids[node])) }, "Copy id"),
      ),
      this.where(node),
      el("section", {}, el("h3", {}, "Properties"), id, fields),
      this.tags(node),
      this.neighbours(node),
    );
    this.root.scrollTop = 0;
    this.open(node, fields, id);
  }

  /** open fills in what has to be opened first. */
  async open(node, fields, id) {
    const [ids, pairs] = await Promise.all([loadIds(this.app.model), this.detailOf(this.app.model, node)]);
    if (this.app.state.selected !== node) return;
    id.textContent = ids[node];
    fields.replaceChildren(...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { className: value === "(secret)" ? "faint" : "" }, value)]));
    fields.dataset.ready = "true";
  }

  /** where is the way from the outermost cluster to the node. */
  where(node) {
    const { model, select } = this.app, { clusters } = model.head;
    const way = [];
    for (let c = model.home[node]; c >= 0; c = clusters[c].parent) {
      if (clusters[c].name && clusters[c].node !== node) way.unshift(clusters[c]);
    }
    const place = model.head.locations[model.location[node]];
    if (!way.length && !place) return null;
    return el("p", { className: "where" },
      ...way.flatMap((c) => [c.node >= 0 ? el("button", { type: "button", className: "link", onclick: () => select(c.node) }, c.name) : el("span", {}, c.name), el("span", { className: "faint" }, " › ")]).slice(0, -1),
      place ? el("span", { className: "faint" }, way.length ? ` · ${place}` : place) : null);
  }

  tags(node) {
    const { list, of } = this.app.model.tags;
    if (!of[node].length) return null;
    return el("section", {}, el("h3", {}, "Tags"), el("ul", { className: "tags" }, ...of[node].map((t) => el("li", {}, el("span", { className: "faint" }, list[t][0]), list[t][1] ? ` ${list[t][1]}` : null))));
  }

  neighbours(node) {
    const { model } = this.app, { links, head } = model;
    const groups = new Map();
    for (const [e, end, out] of incident(model, node)) {
      const key = links.relation[e] * 2 + (out ? 1 : 0);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push([e, end]);
    }
    const all = [...groups].sort((a, b) => a[1].length - b[1].length || a[0] - b[0]);
    const total = all.reduce((sum, [, list]) => sum + list.length, 0);
    return el("section", { id: "neighbours" }, el("h3", {}, "Relationships", el("span", { className: "number" }, count(total))),
      ...all.map(([key, list]) => {
        const rows = el("ul", {});
        list.sort((a, b) => (model.names[a[1]] < model.names[b[1]] ? -1 : 1));
        const draw = (number) => {
          rows.replaceChildren(...list.slice(0, number).map(([e, end]) => this.row(e, end)));
          if (number < list.length) rows.append(el("li", {}, el("button", { type: "button", className: "more", onclick: () => draw(number === few ? 200 : number * 5) }, `${count(list.length - number)} more`)));
        };
        draw(few);
        const out = key % 2 === 1;
        return el("div", { className: "relation" }, el("h4", {}, el("span", { className: "arrow", title: out ? "from here" : "to here" }, out ? "→" : "←"), head.relations[key >> 1], el("span", { className: "number" }, count(list.length))), rows);
      }));
  }

  row(e, end) {
    const { model, select } = this.app;
    const detail = model.links.words[model.links.detail[e]];
    const type = model.head.types[model.type[end]];
    return el("li", {}, el("button", { type: "button", className: "row", onclick: () => select(end), title: type.name },
      dot(model.category[end], type.letters), el("span", { className: "name" }, model.names[end] || "(no name)"), detail ? el("span", { className: "faint detail" }, detail) : null));
  }

  /** showPath lists the steps of a path. */
  showPath(from, steps) {
    const { model, clear, select } = this.app;
    const stop = (i) => el("button", { type: "button", className: "row", onclick: () => select(i) }, dot(model.category[i], model.head.types[model.type[i]].letters), el("span", { className: "name" }, model.names[i] || "(no name)"));
    const way = steps.map(([e, before, at]) => {
      const along = model.links.source[e] === before, detail = model.links.words[model.links.detail[e]];
      return el("li", {}, el("span", { className: "step" }, along ? "↓ " : "↑ ", model.head.relations[model.links.relation[e]], detail ? el("span", { className: "faint" }, ` ${detail}`) : null), stop(at));
    });
    this.root.hidden = false;
    fill(this.root,
      el("header", {}, el("div", { className: "title" }, el("h2", { id: "panel-name" }, "Path"), el("p", { className: "faint" }, `${count(steps.length)} ${steps.length === 1 ? "step" : "steps"}, the shortest way over the relationships shown`)),
        el("button", { type: "button", className: "icon", "aria-label": "Close the path (Esc)", title: "Close (Esc)", onclick: clear }, "✕")),
      el("ol", { id: "path" }, el("li", {}, stop(from)), ...way));
    this.root.scrollTop = 0;
  }
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("The id is copied.");
  } catch {
    const range = document.createRange(), id = document.querySelector("#panel .id");
    range.selectNodeContents(id);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    toast("The browser does not let a page copy here: the id is selected.");
  }
}
