// src/ → dist/: index.html, one script and one style sheet named after their contents, and the packages in them
// with their licences: a list, and the texts.
// The same sources and lock file give the same bytes, on any machine.

import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { build, context } from "esbuild";

const TARGET = "dist";

const options = {
  entryPoints: ["src/main.tsx"],
  bundle: true,
  minify: true,
  metafile: true,
  format: "esm",
  target: ["chrome123", "firefox121", "safari17.5"],
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none", // licences.txt has them whole
  outdir: TARGET,
  entryNames: "app-[hash]",
  plugins: [{ name: "page", setup: (made) => made.onEnd((result) => (result.errors.length ? {} : writePage(result))) }],
};

async function writePage({ metafile }) {
  const names = Object.keys(metafile.outputs).map((path) => basename(path));
  const made = (ending) => names.find((name) => name.endsWith(ending));
  await copyFile("icon.svg", `${TARGET}/icon.svg`);
  const packages = await bundled(Object.keys(metafile.inputs));
  await writeFile(`${TARGET}/packages.json`, `${JSON.stringify(packages.map(({ texts, ...one }) => one), null, 1)}\n`);
  await writeFile(`${TARGET}/licences.txt`, `${packages.map(licence).join("\n\n---\n\n")}\n`);
  const page = await readFile("index.html", "utf8"); // written last: where it is, the build is whole
  await writeFile(`${TARGET}/index.html`, page.replace("app.css", made(".css")).replace("app.js", made(".js")));
}

async function bundled(inputs) {
  const names = new Set(inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean));
  const packages = [...names].sort().map(async (name) => {
    const folder = `node_modules/${name}`;
    const { version, license } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
    const files = (await readdir(folder)).filter((file) => /^licen[cs]e/i.test(file)).sort();
    const texts = await Promise.all(files.map((file) => readFile(`${folder}/${file}`, "utf8")));
    return { name, version, licence: license, texts };
  });
  return Promise.all(packages);
}

function licence({ name, version, licence, texts }) {
  return [`${name} ${version} (${licence})`, ...texts.map((text) => text.trim())].join("\n\n");
}

await rm(TARGET, { recursive: true, force: true });
await mkdir(TARGET);
if (process.argv.includes("--watch")) {
  await (await context({ ...options, entryNames: "app" })).watch();
} else {
  await build(options);
}
