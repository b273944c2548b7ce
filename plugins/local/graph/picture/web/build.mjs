// Builds the page's script and style into ../bundle, and the licences of what is in them beside.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const out = process.argv[2] ?? "../bundle";

const result = await build({
  entryPoints: { app: "src/main.js" },
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome103", "firefox113", "safari16.4"], // the first with DecompressionStream("deflate-raw")
  charset: "ascii",
  legalComments: "none", // LICENSES.txt has them whole
  metafile: true,
  outdir: out,
  logLevel: "warning",
});
await build({ entryPoints: { app: "src/app.css" }, bundle: true, minify: true, charset: "ascii", outdir: out, logLevel: "warning" });

const packages = new Set();
for (const file of Object.keys(result.metafile.inputs)) {
  const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file);
  if (found) packages.add(found[1]);
}
let licences = "The page that atg visualize writes contains these libraries.\n";
for (const name of [...packages].sort()) {
  const folder = join("node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const text = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (!text) throw new Error(`${name} has no licence`);
  licences += `\n--- ${name} ${version} (${license})\n\n${readFileSync(join(folder, text), "utf8").trim()}\n`;
}
writeFileSync(join(out, "LICENSES.txt"), licences);
