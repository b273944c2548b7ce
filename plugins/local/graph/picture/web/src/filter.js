// The filters, which are also the legend: what there is, how much of it, and what of it is shown.
import { byId, count, dot, el, plural, say } from "./dom.js";
import { contains, RESOURCE } from "./model.js";

const few = 8; // values of a facet that are shown before "more"

export class Filter {
  constructor(app) {
    this.app = app;
    this.chosen = { category: new Set(), type: new Set(), subscription: new Set(), location: new Set(), tag: new Set() };
    this.facets = byId("facets");
    this.draw();
    byId("reset").addEventListener("click", () => this.reset());
    summary(app.model, app.model.n);
  }

  draw() {
    const { model } = this.app, { head, n } = model;
    const byCategory = tally(n, (i) => model.category[i]), byType = tally(n, (i) => model.type[i]), byLocation = tally(n, (i) => model.location[i]);
    const byTop = tally(n, (i) => (model.home[i] >= 0 ? model.top[model.home[i]] : -1));
    const legend = head.categories.map((name, i) => ({ facet: "category", value: i, name, mark: dot(i), count: byCategory.get(i) ?? 0 })).filter((v) => v.count);
    const types = head.types.map((t, i) => ({ facet: "type", value: i, name: t.name.replace(/^microsoft\./, ""), title: t.name, mark: dot(t.category, t.letters), count: byType.get(i) ?? 0 }));
    const locations = head.locations.map((name, i) => ({ facet: "location", value: i, name, count: byLocation.get(i) ?? 0 })).filter((v) => v.name);
    const tops = head.clusters.map((c, i) => ({ facet: "subscription", value: i, name: c.name, count: byTop.get(i) ?? 0 })).filter((v) => head.clusters[v.value].parent < 0);
    const tags = tally2(model.tags.of).map(([tag, number]) => ({ facet: "tag", value: tag, name: model.tags.list[tag].filter(Boolean).join(" = "), count: number }));
    const relations = this.relations();
    this.facets.append(
      this.facet("Legend", legend, true, Infinity),
      this.facet("Types", sorted(types), false),
      this.facet("Subscriptions and areas", sorted(tops), false),
      this.facet("Locations", sorted(locations), false),
      this.facet("Tags", sorted(tags), false),
      this.facet("Relationships", relations, false),
    );
  }

  relations() {
    const { model } = this.app, { links, head } = model;
    const number = tally(links.m, (e) => links.relation[e]);
    return sorted(head.relations.map((name, i) => ({ facet: "relation", value: i, name, title: contains(model, i) ? "Shown by the circles, not by lines" : undefined, count: number.get(i) ?? 0 })));
  }

  /** facet makes a group of boxes to tick. With many values it has a field that narrows them. */
  facet(title, values, open, first = few) {
    if (!values.length) return "";
    const list = el("ul", {});
    const draw = (needle, all) => {
      const fitting = needle ? values.filter((v) => v.name.toLowerCase().includes(needle)) : values;
      const shown = all ? fitting.slice(0, 500) : fitting.slice(0, first);
      list.replaceChildren(...shown.map((v) => this.row(v)));
      if (shown.length < fitting.length && !all) {
        list.append(el("li", {}, el("button", { type: "button", className: "more", onclick: () => draw(needle, true) }, `${count(fitting.length - shown.length)} more`)));
      }
    };
    const field = values.length > first
      ? el("input", { type: "search", className: "narrow", placeholder: `Find in ${count(values.length)}`, "aria-label": `Find in ${title}`, oninput: (event) => draw(event.target.value.trim().toLowerCase(), false) })
      : null;
    draw("", false);
    return el("details", { className: "facet", open }, el("summary", {}, el("span", {}, title), el("span", { className: "number" }, count(values.length))), field, list);
  }

  row(v) {
    const off = this.app.model.links.off;
    const checked = v.facet === "relation" ? !off[v.value] : this.chosen[v.facet].has(v.value);
    const box = el("input", { type: "checkbox", checked, onchange: (event) => this.tick(v, event.target.checked) });
    return el("li", {}, el("label", { title: v.title ?? v.name }, box, v.mark?.cloneNode(true), el("span", { className: "name" }, v.name), el("span", { className: "number" }, count(v.count))));
  }

  tick(v, on) {
    if (v.facet === "relation") this.app.model.links.off[v.value] = on ? 0 : 1;
    else this.chosen[v.facet][on ? "add" : "delete"](v.value);
    this.apply();
  }

  reset() {
    for (const set of Object.values(this.chosen)) set.clear();
    this.app.model.links.off.fill(0);
    for (const box of this.facets.querySelectorAll("input[type=checkbox]")) box.checked = false;
    this.facets.replaceChildren();
    this.draw();
    this.apply();
  }

  /** apply hides what none of the ticks of a facet takes; a facet without ticks takes everything. */
  apply() {
    const { model, view, state, panel } = this.app, c = this.chosen;
    let shown = 0;
    for (let i = 0; i < model.n; i++) {
      const pass =
        (!c.category.size || c.category.has(model.category[i])) &&
        (!c.type.size || c.type.has(model.type[i])) &&
        (!c.location.size || c.location.has(model.location[i])) &&
        (!c.subscription.size || (model.home[i] >= 0 && c.subscription.has(model.top[model.home[i]]))) &&
        (!c.tag.size || model.tags.of[i].some((t) => c.tag.has(t)));
      model.hidden[i] = pass ? 0 : 1;
      shown += pass ? 1 : 0;
    }
    const active = Object.values(c).some((set) => set.size) || model.links.off.includes(1);
    byId("reset").hidden = !active;
    summary(model, shown);
    state.path = null;
    if (state.selected >= 0) panel.show(state.selected);
    view.refilter();
    say(`${count(shown)} of ${count(model.n)} shown`);
  }
}

const sorted = (values) => values.filter((v) => v.count).sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));

function tally(n, of) {
  const counts = new Map();
  for (let i = 0; i < n; i++) counts.set(of(i), (counts.get(of(i)) ?? 0) + 1);
  return counts;
}

function tally2(lists) {
  const counts = new Map();
  for (const list of lists) for (const v of list) counts.set(v, (counts.get(v) ?? 0) + 1);
  return [...counts];
}

/** summary is the line of counts below the tenant's name. */
function summary(model, shown) {
  const groups = model.head.clusters.filter((c) => c.kind === "group").length, subscriptions = model.head.clusters.filter((c) => c.kind === "subscription").length;
  let resources = 0;
  for (let i = 0; i < model.n; i++) if (model.kind[i] === RESOURCE && !model.missing(i)) resources++;
  const all = `${plural(resources, "resource")} · ${plural(groups, "group")} · ${plural(subscriptions, "subscription")} · ${plural(model.links.m, "relationship")}`;
  byId("counts").textContent = shown < model.n ? `${count(shown)} of ${count(model.n)} shown · ${all}` : all;
}
