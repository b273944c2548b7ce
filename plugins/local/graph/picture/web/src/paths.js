// The shortest way between two nodes: the reader chooses where it begins, then where it ends.
import { byId, toast } from "./dom.js";
import { path } from "./model.js";

export class Paths {
  choosing = -1; // where the path begins, while its end is chosen

  constructor(app) {
    this.app = app;
    byId("choosing-stop").addEventListener("click", () => this.stop());
  }

  begin(node) {
    this.choosing = node;
    byId("choosing-from").textContent = this.app.model.names[node];
    byId("choosing").hidden = false;
    this.app.search.input.focus();
  }

  stop() {
    this.choosing = -1;
    byId("choosing").hidden = true;
  }

  choose(node) {
    const { model, state, view, panel } = this.app, from = this.choosing;
    this.stop();
    byId("stage").focus();
    const steps = path(model, from, node);
    if (!steps || !steps.length) {
      toast(steps ? "That is where the path begins." : `No path over the relationships shown leads from ${model.names[from]} to ${model.names[node]}.`);
      return;
    }
    Object.assign(state, { path: steps, selected: from, next: -1 });
    panel.showPath(from, steps);
    view.show(from, ...steps.map(([, , at]) => at));
    view.redraw();
  }
}
