// The keyboard. Help lists what is here: see page.html.
import { byId, say } from "./dom.js";
import { incident } from "./model.js";

export function keys(app) {
  const { model, state, view, select, clear, back } = app;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    const typing = event.target.matches("input, textarea, select");
    if (event.key === "Escape") {
      if (app.paths.choosing >= 0) app.paths.stop();
      else clear();
      byId("stage").focus();
      return;
    }
    if (typing) return;
    if (event.key === "/") {
      event.preventDefault();
      app.search.input.focus();
      app.search.input.select();
    } else if (event.key === "?") byId("help").showModal();
    else if (event.key === "+" || event.key === "=") view.zoom(1.6);
    else if (event.key === "-") view.zoom(1 / 1.6);
    else if (event.key === "0") view.fit();
    else if (event.key === "t") byId("theme").click();
    else if (event.key === "f") byId("menu").click();
    else if (event.target === byId("stage")) onStage(event);
  });

  function onStage(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && (event.shiftKey || state.selected < 0)) {
      event.preventDefault();
      view.pan(...{ ArrowRight: [0.2, 0], ArrowLeft: [-0.2, 0], ArrowUp: [0, -0.2], ArrowDown: [0, 0.2] }[event.key]);
    } else if (step) {
      event.preventDefault();
      walk(step);
    } else if (event.key === "Enter" && state.next >= 0) {
      event.preventDefault();
      select(state.next);
    } else if (event.key === "Enter" && state.selected < 0 && model.n) {
      event.preventDefault();
      select(entry(model));
    } else if (event.key === "Backspace") {
      event.preventDefault();
      back();
    } else if (event.key === "p" && state.selected >= 0) {
      event.preventDefault();
      app.paths.begin(state.selected);
    }
  }

  /** walk goes to the next neighbour, in the order of angles round the selected node. */
  function walk(step) {
    const at = state.selected;
    const ends = [...new Set(incident(model, at).map(([, end]) => end))].filter((end) => end !== at);
    if (!ends.length) return say("No neighbours");
    const angle = (i) => Math.atan2(model.x[i] - model.x[at], model.y[i] - model.y[at]);
    ends.sort((a, b) => angle(a) - angle(b) || a - b);
    const now = ends.indexOf(state.next);
    state.next = ends[now < 0 ? (step > 0 ? 0 : ends.length - 1) : (now + step + ends.length) % ends.length];
    state.path = null;
    view.redraw();
    say(`${model.names[state.next]}, ${model.head.types[model.type[state.next]].name}, ${ends.indexOf(state.next) + 1} of ${ends.length}`);
  }
}

/** entry is where the keyboard begins: the largest node that is shown. */
function entry(model) {
  let best = 0;
  for (let i = 0; i < model.n; i++) {
    if (!model.hidden[i] && (model.hidden[best] || model.radius[i] > model.radius[best])) best = i;
  }
  return best;
}
