// Saves what is seen as a PNG.
import { theme } from "./theme.js";
import { toast } from "./dom.js";

export function exportPNG(view, model) {
  const { width, height } = view.sigma.getDimensions(), scale = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.width = width * scale;
  canvas.height = height * scale;
  const ctx = canvas.getContext("2d"), colors = theme();
  ctx.fillStyle = colors.background;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  view.sigma.render(); // WebGL keeps what it drew until the browser shows it: copy it at once
  for (const name of ["clusters", "links", "nodes", "marks"]) {
    ctx.globalAlpha = view.layers[name].classList.contains("dim") ? (name === "clusters" ? 0.45 : 0.12) : 1;
    ctx.drawImage(view.layers[name], 0, 0, canvas.width, canvas.height);
  }
  ctx.globalAlpha = 1;
  ctx.font = `${12 * scale}px system-ui, sans-serif`;
  ctx.fillStyle = colors.faint;
  ctx.textBaseline = "bottom";
  const partial = model.head.misses.length ? " · not complete" : "";
  ctx.fillText(`${model.head.tenantName || model.head.tenant} · ${model.head.scanned.slice(0, 10)}${partial}`, 16 * scale, canvas.height - 12 * scale);
  canvas.toBlob((blob) => {
    if (!blob) return toast("The browser could not make the image.");
    const link = document.createElement("a"), url = URL.createObjectURL(blob);
    link.href = url;
    link.download = `atg-${model.head.snapshot || "picture"}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    document.documentElement.dataset.png = String(blob.size);
  }, "image/png");
}
