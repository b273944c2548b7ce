// Puts the page together.
import { detailOf, load, loadIds, loadLinks, loadTags } from "./model.js";
import { View } from "./view.js";
import { Filter } from "./filter.js";
import { Panel } from "./panel.js";
import { Search } from "./search.js";
import { Paths } from "./paths.js";
import { keys } from "./keys.js";
import { exportPNG } from "./export.js";
import { byId, count, el, say, toast } from "./dom.js";
import { changed, toggle } from "./theme.js";

/** State is what the reader looks at. */
class State {
  hovered = -1;
  selected = -1;
  next = -1; // the neighbour that the arrow keys are at
  found = []; // by the search
  path = null; // steps, see model.path
  history = [];

  /** focus is what is drawn in full strength: a node or a path; null is everything. */
  focus() {
    if (this.path) return { path: this.path };
    if (this.selected >= 0) return { node: this.selected };
    return this.hovered >= 0 ? { node: this.hovered } : null;
  }
}

async function start() {
  const model = await load();
  header(model.head);
  const state = new State();
  const view = new View(byId("stage"), model, state, () => {
    requestAnimationFrame(() => requestAnimationFrame(() => { // by then the frame has been shown
      performance.mark("atg-first");
      document.documentElement.dataset.state = "first";
      later();
    }));
  });
  const app = (window.atg = { model, state, view, select, clear, back }); // for whoever looks into it from the console
  changed(() => view.recolor());

  /** select shows a node: on the canvas, in the panel, and in the address. */
  function select(node, { move = true, remember = true } = {}) {
    if (app.paths?.choosing >= 0) return app.paths.choose(node);
    if (remember && state.selected >= 0 && state.selected !== node) state.history.push(state.selected);
    Object.assign(state, { selected: node, next: -1, path: null });
    app.panel?.show(node);
    if (matchMedia("(max-width: 760px)").matches && !byId("side").hidden) byId("menu").click(); // there is room for one of them
    if (move) view.show(node);
    view.redraw();
    loadIds(model).then((ids) => {
      if (state.selected === node) history.replaceState(null, "", `#node=${encodeURIComponent(ids[node])}`);
    });
    say(`${model.names[node]}, ${model.head.types[model.type[node]].name}`);
  }

  function clear() {
    Object.assign(state, { selected: -1, next: -1, path: null, history: [] });
    app.paths?.stop();
    app.panel?.hide();
    history.replaceState(null, "", location.pathname + location.search);
    view.redraw();
  }

  function back() {
    const before = state.history.pop();
    if (before !== undefined) select(before, { remember: false });
  }

  /** later loads what the first look did not need. */
  async function later() {
    await Promise.all([loadLinks(model), loadTags(model)]);
    app.panel = new Panel(app, detailOf);
    app.paths = new Paths(app);
    app.filter = new Filter(app);
    app.search = new Search(app);
    mouse(app);
    keys(app);
    buttons(app);
    view.refilter();
    await follow();
    window.addEventListener("hashchange", follow);
    document.documentElement.dataset.state = "ready";
  }

  /** follow selects what the address names. */
  async function follow() {
    const id = /^#node=(.+)$/.exec(location.hash)?.[1];
    if (!id) return;
    let wanted;
    try {
      wanted = decodeURIComponent(id).toLowerCase();
    } catch {
      return;
    }
    const node = (await loadIds(model)).findIndex((known) => known.toLowerCase() === wanted);
    if (node >= 0) {
      if (node !== state.selected) select(node);
    } else toast("The address names something that is not in this picture.");
  }
}

function header(head) {
  byId("tenant").textContent = head.tenantName || head.tenant;
  byId("tenant").title = head.tenant;
  const when = new Date(head.scanned);
  byId("scanned").textContent = `Scanned ${when.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" })}, ${head.scanned.slice(11, 16)} UTC`;
  byId("scanned").title = `Snapshot ${head.snapshot}`;
  const misses = byId("misses");
  if (head.misses.length) {
    misses.hidden = byId("misses-badge").hidden = false;
    byId("misses-title").textContent = head.partial ? "This picture shows a part" : "This picture misses something";
    byId("misses-count").textContent = count(head.misses.length);
    byId("misses-list").append(...head.misses.map((text) => el("li", {}, text)));
  }
  if (!head.nodes) {
    byId("empty").hidden = false;
  }
}

function mouse({ model, state, view, select, clear }) {
  const { sigma } = view, stage = byId("stage");
  const small = (i) => model.radius[i] * view.frame.k < 2; // too small to mean just this one
  sigma.on("enterNode", ({ node }) => {
    if (small(node)) return;
    state.hovered = Number(node);
    stage.classList.add("over");
    view.redraw();
  });
  sigma.on("leaveNode", () => {
    if (state.hovered < 0) return;
    state.hovered = -1;
    stage.classList.remove("over");
    view.redraw();
  });
  const enter = (p) => {
    const at = view.clusterAt(p);
    if (at >= 0) view.go(model.head.clusters[at]);
    return at >= 0;
  };
  sigma.on("clickNode", ({ node, event }) => {
    if (small(node)) enter(event);
    else select(Number(node), { move: false });
  });
  sigma.on("clickStage", ({ event }) => {
    const label = view.labelAt(event);
    if (label >= 0 && model.head.clusters[label].node >= 0) select(model.head.clusters[label].node, { move: false });
    else if (state.selected >= 0 || state.path) clear();
  });
  for (const name of ["doubleClickStage", "doubleClickNode"]) {
    sigma.on(name, ({ event }) => {
      if (enter(event)) event.preventSigmaDefault();
    });
  }
}

function buttons({ model, view }) {
  const on = (id, call) => byId(id).addEventListener("click", call);
  on("zoom-in", () => view.zoom(1.6));
  on("zoom-out", () => view.zoom(1 / 1.6));
  on("fit", () => view.fit());
  on("theme", toggle);
  on("png", () => exportPNG(view, model));
  on("help-open", () => byId("help").showModal());
  on("help-close", () => byId("help").close());
  const narrow = matchMedia("(max-width: 760px)");
  const turn = (off) => {
    byId("side").hidden = off;
    byId("menu").setAttribute("aria-expanded", String(!off));
  };
  turn(narrow.matches);
  narrow.addEventListener("change", () => turn(narrow.matches));
  on("menu", () => turn(!byId("side").hidden));
  on("misses-badge", () => {
    turn(false);
    byId("misses").open = true;
  });
}

start().catch((error) => {
  console.error(error);
  const empty = byId("empty");
  empty.hidden = false;
  empty.textContent = `This page cannot be drawn: ${error.message}. It needs a browser of 2023 or later, with WebGL.`;
});
