// Builds the page into one file without anything beside it: script and style stand in the page itself, so that it opens
// from a disk, from a server and from within a notebook alike. It is packed, as servers send it, which also keeps it out
// of searches. `node build.mjs FILE` writes it elsewhere.
import { build } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const here = new URL(".", import.meta.url);
const target = process.argv[2] ?? new URL("../src/unveil/web/page.html.gz", here);

const { outputFiles } = await build({
  absWorkingDir: new URL(".", here).pathname,
  entryPoints: ["src/main.ts"],
  bundle: true,
  charset: "ascii",
  format: "iife",
  legalComments: "none", // THIRD_PARTY.md has three.js's licence, and the page names it
  minify: true,
  target: "es2022",
  write: false,
});
const script = outputFiles[0].text.trim().replaceAll("</script", "<\\/script");
const style = (await build({ entryPoints: [new URL("src/style.css", here).pathname], minify: true, write: false }))
  .outputFiles[0].text.trim();
const page = await readFile(new URL("src/page.html", here), "utf8");
// Functions, as a text to put in would be searched for "$&".
const whole = page.replace("/* STYLE */", () => style).replace("/* SCRIPT */", () => script);
await writeFile(target, gzipSync(whole, { level: 9 }));
