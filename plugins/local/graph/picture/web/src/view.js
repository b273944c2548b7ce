// The picture itself: sigma draws the nodes and moves the camera; below them lie the clusters and the edges, above them labels and what is marked.
import Graph from "graphology";
import Sigma from "sigma";
import { NodeCircleProgram, NodePointProgram } from "sigma/rendering";
import { contains, IDENTITY, RESOURCE } from "./model.js";
import { Links } from "./links.js";
import { clusterAt, drawClusters, drawLabels, labelAt } from "./clusters.js";
import { drawMarks } from "./marks.js";
import { theme } from "./theme.js";
import { calm } from "./dom.js";

const smallest = 1.1; // pixels: however far away, nodes stay visible

/** steady makes a program for nodes that do not grow when others do so as to stay visible. grown is how much these do. */
const steady = (grown) =>
  class extends NodeCircleProgram {
    setUniforms(params, info) {
      super.setUniforms({ ...params, sizeRatio: params.sizeRatio * grown() }, info);
    }
  };

export class View {
  /** model is the graph; state what is hovered, selected, found, and the path; first is called when everything was drawn once. */
  constructor(container, model, state, first) {
    this.first = first;
    this.model = model;
    this.state = state;
    this.moving = false;
    const sigma = (this.sigma = new Sigma(new Graph(), container, {
      renderLabels: false,
      defaultDrawNodeHover: () => {}, // marks.js draws what is hovered
      itemSizesReference: "positions", // circles never overlap, at any zoom
      zoomToSizeRatioFunction: (ratio) => ratio / this.grown(),
      // Many are drawn as points: twenty times quicker without a graphics card. A point vanishes when its middle leaves the window, which shows in the few.
      nodeProgramClasses: { circle: model.n > 10000 ? NodePointProgram : NodeCircleProgram, steady: steady(() => this.grown()) },
      minCameraRatio: 0.0005,
      maxCameraRatio: 3,
      stagePadding: 24,
      enableCameraRotation: false,
      zoomDuration: calm() ? 0 : 200,
      inertiaDuration: calm() ? 0 : 200,
      nodeReducer: (key, data) => (this.model.hidden[data.i] ? { ...data, hidden: true } : data),
    }));
    const [x0, y0, x1, y1] = model.head.bounds;
    sigma.setCustomBBox({ x: [x0, x1], y: [y0, y1] });
    this.middle = median(model.radius);
    sigma.createCanvasContext("clusters", { beforeLayer: "edges" });
    sigma.createCanvasContext("marks", { afterLayer: "hoverNodes" });
    const layer = (name) => container.querySelector(`.sigma-${name}`);
    this.layers = { clusters: layer("clusters"), links: layer("edges"), nodes: layer("nodes"), marks: layer("marks") };
    this.contexts = { clusters: this.layers.clusters.getContext("2d"), marks: this.layers.marks.getContext("2d") };
    // Sigma has no edges to draw, so the layer that it has for them takes ours: each context of WebGL costs time to make.
    const gl = this.layers.links.getContext("webgl2") ?? this.layers.links.getContext("webgl");
    this.links = new Links(gl, model);
    sigma.resize(true);
    sigma.once("afterProcess", () => this.fit(0)); // before the first drawing
    sigma.on("afterRender", () => this.drawn());
    sigma.setGraph(this.graph());
    window.addEventListener("resize", () => requestAnimationFrame(() => this.resized()));
    sigma.getCamera().on("updated", () => this.moved());
  }

  graph() {
    const graph = new Graph({ allowSelfLoops: false, multi: false, type: "directed" });
    const { n, x, y, radius, kind, category, missing } = this.model, colors = theme();
    for (let i = 0; i < n; i++) {
      const type = kind[i] === RESOURCE || kind[i] === IDENTITY ? "circle" : "steady";
      graph.addNode(String(i), { i, type, x: x[i], y: y[i], size: radius[i], color: missing(i) ? colors.missing : colors.categories[category[i]] });
    }
    return graph;
  }

  /** grown is how many times larger than in the layout nodes are drawn, so that those of the usual size stay visible. */
  grown() {
    const pixels = this.sigma && this.middle ? this.middle * this.transform().k : smallest;
    return Math.max(1, smallest / pixels);
  }

  /** transform is from the layout's coordinates to pixels: x*k + x, y*-k + y. */
  transform(now) {
    const a = this.sigma.graphToViewport({ x: 0, y: 0 }, now), b = this.sigma.graphToViewport({ x: 1000, y: 0 }, now);
    return { x: a.x, y: a.y, k: (b.x - a.x) / 1000 };
  }

  /** point is where a node is on the screen. */
  point(i, t = this.transform()) {
    return { x: t.x + this.model.x[i] * t.k, y: t.y - this.model.y[i] * t.k };
  }

  /** drawn draws the other layers, after sigma has drawn its own. */
  drawn() {
    const { width, height } = this.sigma.getDimensions();
    const t = (this.frame = { ...this.transform(), width, height, grown: this.grown() });
    const dimmed = this.state.focus() !== null;
    for (const name of ["nodes", "links", "clusters"]) this.layers[name].classList.toggle("dim", dimmed);
    const visible = drawClusters(this.contexts.clusters, t, this.model);
    if (this.model.links) {
      const rgb = theme().line.split(",").map(Number);
      if (this.moving && this.links.count > 40000) this.links.clear();
      else this.links.draw(t, width, height, rgb, this.alpha(t));
    }
    const marks = this.contexts.marks;
    marks.clearRect(0, 0, width, height);
    marks.globalAlpha = dimmed ? 0.35 : 1;
    const taken = drawLabels(marks, t, this.model, visible);
    marks.globalAlpha = 1;
    drawMarks(marks, t, this.model, this.state, taken);
    if (this.first && this.sigma.getGraph().order === this.model.n) {
      const { first } = this;
      this.first = null;
      first();
    }
  }

  /** alpha is how strong edges are: the fewer, and the nearer, the stronger. */
  alpha(t) {
    const crowd = Math.min(1, Math.sqrt(1500 / (this.links.count / 2 + 1)));
    const near = Math.min(1, Math.max(0, Math.log2((this.middle * t.k) / 1.5) / 4));
    return 0.03 + 0.6 * Math.max(crowd * 0.8, near);
  }

  moved() {
    this.moving = true;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.moving = false;
      this.sigma.scheduleRender();
    }, 120);
  }

  /** refilter draws what the filter leaves. */
  refilter() {
    const { links, hidden } = this.model;
    if (links) {
      this.links.fill((e) => !links.off[links.relation[e]] && !contains(this.model, links.relation[e]) && !hidden[links.source[e]] && !hidden[links.target[e]]);
    }
    this.sigma.refresh({ skipIndexation: true });
  }

  /** recolor takes the colours of the theme. */
  recolor() {
    const colors = theme(), { category, missing } = this.model;
    this.sigma.getGraph().updateEachNodeAttributes((key, data) => {
      data.color = missing(data.i) ? colors.missing : colors.categories[category[data.i]];
      return data;
    }, { attributes: ["color"] });
    this.redraw();
  }

  redraw() {
    this.sigma.scheduleRender();
  }

  /** free is the part of the window that nothing covers: its middle and its size in pixels. */
  free() {
    const { width, height } = this.sigma.getDimensions();
    const box = (id) => {
      const element = document.getElementById(id);
      return element.hidden ? null : element.getBoundingClientRect();
    };
    const side = box("side"), panel = box("panel"), finder = box("finder");
    let left = 16, right = width - 16, bottom = height - 24;
    const top = finder.bottom + 8;
    if (side && side.width < width / 2) left = side.right + 16;
    if (panel && panel.width < width / 2) right = panel.left - 16;
    else if (panel) bottom = panel.top - 16;
    return { x: (left + right) / 2, y: (top + bottom) / 2, width: Math.max(right - left, 100), height: Math.max(bottom - top, 100) };
  }

  /** frameOn moves the camera so that a rectangle fills a part of what is free, and answers where it will be. */
  frameOn(x0, y0, x1, y1, part, duration = 450) {
    const { width, height } = this.sigma.getDimensions(), free = this.free(), camera = this.sigma.getCamera();
    const now = { cameraState: camera.getState() }, scale = camera.ratio * this.transform(now).k;
    const ratio = camera.getBoundedRatio(scale / (part * Math.min(free.width / (x1 - x0), free.height / (y1 - y0))));
    const k = scale / ratio;
    const middle = { x: (x0 + x1) / 2 - (free.x - width / 2) / k, y: (y0 + y1) / 2 + (free.y - height / 2) / k };
    const to = { ...this.sigma.viewportToFramedGraph(this.sigma.graphToViewport(middle, now), now), ratio };
    if (duration && !calm()) camera.animate(to, { duration });
    else if (this.frame) camera.setState(to);
    else Object.assign(camera, to); // nothing is drawn yet, so nobody has to hear of it and draw once more
    return to;
  }

  /** go moves the camera to a circle. */
  go({ x, y, r }, part = 0.9) {
    const reach = Math.max(r, 45); // nearer, there is nothing more to see
    this.frameOn(x - reach, y - reach, x + reach, y + reach, part);
  }

  /** fit shows everything, also when the window changes, until the reader moves the camera. */
  fit(duration) {
    this.whole = this.frameOn(...this.model.head.bounds, 0.97, duration);
  }

  resized() {
    const now = this.sigma.getCamera().getState(), { whole } = this;
    if (whole && Math.abs(now.ratio - whole.ratio) + Math.abs(now.x - whole.x) + Math.abs(now.y - whole.y) < 1e-6) this.fit(0);
  }

  /** show moves the camera so that a node, or several, can be seen well; not where they can already. */
  show(...nodes) {
    const { x, y, radius } = this.model, t = this.transform(), free = this.free();
    const seen = (i) => {
      const p = this.point(i, t);
      return Math.abs(p.x - free.x) < free.width * 0.45 && Math.abs(p.y - free.y) < free.height * 0.45;
    };
    if (nodes.every(seen) && radius[nodes[0]] * t.k > 4.5) return;
    const xs = nodes.map((i) => x[i]), ys = nodes.map((i) => y[i]);
    const low = { x: Math.min(...xs), y: Math.min(...ys) }, high = { x: Math.max(...xs), y: Math.max(...ys) };
    const r = Math.max(Math.hypot(high.x - low.x, high.y - low.y) / 2, Math.max(radius[nodes[0]] * 10, 80));
    this.go({ x: (low.x + high.x) / 2, y: (low.y + high.y) / 2, r }, 0.85);
  }

  zoom(factor) {
    const camera = this.sigma.getCamera();
    camera.animate({ ratio: camera.getBoundedRatio(camera.ratio / factor) }, { duration: calm() ? 0 : 200 });
  }

  pan(dx, dy) {
    const camera = this.sigma.getCamera(), { width, height } = this.sigma.getDimensions();
    const to = this.sigma.viewportToFramedGraph({ x: width / 2 + dx * width, y: height / 2 + dy * height });
    camera.animate({ x: to.x, y: to.y }, { duration: calm() ? 0 : 150 });
  }

  /** labelAt is the cluster whose label is at a pixel; -1 is none. */
  labelAt(p) {
    return labelAt(p);
  }

  /** clusterAt is the innermost cluster at a pixel; -1 is none. */
  clusterAt(p) {
    return clusterAt(this.frame, this.model, p);
  }
}

function median(values) {
  const sorted = Float32Array.from(values).sort();
  return sorted.length ? sorted[sorted.length >> 1] : 4;
}
