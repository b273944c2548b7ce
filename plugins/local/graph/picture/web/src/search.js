// The search: by name, type, tag and id.
import { byId, count, dot, el, say } from "./dom.js";
import { loadIds } from "./model.js";

const most = 50; // results that are listed; all are marked on the canvas

export class Search {
  constructor(app) {
    this.app = app;
    this.input = byId("search");
    this.list = byId("results");
    this.at = -1;
    this.rows = [];
    this.input.addEventListener("focus", () => this.prepare(), { once: true });
    this.input.addEventListener("focus", () => this.run());
    this.input.addEventListener("input", () => this.run());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  /** prepare makes what the search compares with, when somebody is about to search. */
  prepare() {
    const { model } = this.app;
    this.names = model.names.map((name) => name.toLowerCase());
    this.tags = model.tags.list.map(([name, value]) => `${name}=${value}`.toLowerCase());
    loadIds(model).then((ids) => {
      this.ids = ids.map((id) => id.toLowerCase());
      if (this.input.value) this.run();
    });
  }

  run() {
    const needle = this.input.value.trim().toLowerCase(), { state, view } = this.app;
    const found = needle ? this.find(needle) : [];
    state.found = found;
    this.show(found, needle);
    view.redraw();
  }

  /** find answers nodes, best first: by the beginning of the name, the name, the type, a tag, the id. */
  find(needle) {
    const { model } = this.app;
    const types = model.head.types.map((t) => t.name.includes(needle));
    const tags = new Set();
    this.tags.forEach((tag, i) => tag.includes(needle) && tags.add(i));
    const ranks = [[], [], [], [], []];
    for (let i = 0; i < model.n; i++) {
      if (model.hidden[i]) continue;
      const name = this.names[i], at = name.indexOf(needle);
      if (at === 0) ranks[0].push(i);
      else if (at > 0) ranks[1].push(i);
      else if (types[model.type[i]]) ranks[2].push(i);
      else if (tags.size && model.tags.of[i].some((t) => tags.has(t))) ranks[3].push(i);
      else if (this.ids?.[i].includes(needle)) ranks[4].push(i);
    }
    ranks[0].sort((a, b) => this.names[a].length - this.names[b].length || a - b);
    return ranks.flat();
  }

  show(found, needle) {
    const { model } = this.app;
    this.at = -1;
    this.rows = found.slice(0, most);
    this.list.replaceChildren(...this.rows.map((i, row) => {
      const type = model.head.types[model.type[i]], home = model.home[i] >= 0 ? model.head.clusters[model.home[i]] : null;
      return el("li", { id: `result-${row}`, role: "option", "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => this.take(row) },
        dot(model.category[i], type.letters), el("span", { className: "name" }, model.names[i] || "(no name)"), el("span", { className: "faint detail" }, [type.name.replace(/^microsoft\./, ""), home?.name].filter(Boolean).join(" · ")));
    }));
    if (found.length > most) this.list.append(el("li", { className: "faint end" }, `and ${count(found.length - most)} more, ringed in the picture`));
    if (needle && !found.length) this.list.append(el("li", { className: "faint end" }, "Nothing has that in its name, type, tags or id."));
    this.list.hidden = !needle;
    this.input.setAttribute("aria-expanded", String(!!needle));
    this.input.removeAttribute("aria-activedescendant");
    if (needle) say(`${count(found.length)} found`);
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.run();
      if (!this.rows.length) return;
      this.list.children[this.at]?.setAttribute("aria-selected", "false");
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + this.rows.length) % this.rows.length;
      const row = this.list.children[this.at];
      row.setAttribute("aria-selected", "true");
      row.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", row.id);
    } else if (event.key === "Enter" && this.rows.length) {
      event.preventDefault();
      this.take(Math.max(this.at, 0));
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (this.input.value) {
        this.input.value = "";
        this.run();
      } else {
        if (this.app.paths.choosing >= 0) this.app.paths.stop();
        byId("stage").focus();
      }
    }
  }

  take(row) {
    this.app.select(this.rows[row]);
    this.close();
    byId("stage").focus();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }
}
