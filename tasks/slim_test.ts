import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { NotFoundError } from "../core/errors.ts";
import { FRAMEWORK_ROOT } from "../registry/framework.ts";
import { packageFileOf, readInstalled, slimFolder } from "./slim.ts";
import { mayGo, type PackageFile, planRemovals, SLIM_RULES, systemName } from "./slim/rules.ts";

const NODE_MODULES = join(FRAMEWORK_ROOT, "node_modules");

const fileOf = (name: string, path: string): PackageFile => ({ package: name, path, file: path, bytes: 1 });

async function write(folder: string, path: string): Promise<void> {
  const file = join(folder, path);
  await Deno.mkdir(dirname(file), { recursive: true });
  await Deno.writeTextFile(file, "x".repeat(100));
}

/** The paths below a folder, links included. */
async function pathsBelow(folder: string, prefix = ""): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(folder, prefix)));
  const paths = await Promise.all(entries.map(({ name, isDirectory }) => {
    const path = `${prefix}${name}`;
    return isDirectory ? pathsBelow(folder, `${path}/`) : [path];
  }));
  return paths.flat().sort();
}

const ORT = ".deno/onnxruntime-node@1/node_modules/onnxruntime-node";
const KEPT = [
  ".deno/.setup-cache.bin",
  `${ORT}/bin/napi-v6/linux/x64/libonnxruntime.so.1`,
  `${ORT}/dist/index.js`,
  ".deno/zod@4/node_modules/zod/index.d.ts",
];
const GONE = [
  `${ORT}/bin/napi-v6/darwin/arm64/libonnxruntime.1.dylib`,
  `${ORT}/bin/napi-v6/linux/arm64/libonnxruntime.so.1`,
  `${ORT}/bin/napi-v6/win32/x64/onnxruntime.dll`,
  `${ORT}/dist/index.js.map`,
  ".deno/zod@4/node_modules/zod/src/index.ts",
];

/** Makes a `node_modules` as Deno lays it out, with links to packages and to a file outside. */
async function writeTree(root: string): Promise<string> {
  const folder = join(root, "node_modules");
  for (const path of [...KEPT, ...GONE]) await write(folder, path);
  await Deno.symlink(`${ORT}`, join(folder, "onnxruntime-node"));
  await write(root, "outside/other.map");
  await Deno.symlink("../outside", join(folder, "outside"));
  await Deno.symlink("../../../../../outside/other.map", join(folder, ORT, "..", "linked.map"));
  return folder;
}

const LINKS = ["onnxruntime-node", "outside", ".deno/onnxruntime-node@1/node_modules/linked.map"];

Deno.test("slimFolder() removes what the rules name, follows no link, and has nothing left to do then", async () => {
  const root = await Deno.makeTempDir();
  try {
    const folder = await writeTree(root);
    const plan = await slimFolder(folder, { system: "linux/x64", isDryRun: true });
    assert.deepEqual((await pathsBelow(folder)).length, KEPT.length + GONE.length + LINKS.length, "dry run");
    const done = await slimFolder(folder, { system: "linux/x64" });
    assert.deepEqual(await pathsBelow(folder), [...KEPT, ...LINKS].sort());
    assert.deepEqual(done, plan);
    assert.equal(done.removals.length, GONE.length);
    assert.equal((await Deno.stat(join(root, "outside/other.map"))).size, 100);
    const again = await slimFolder(folder, { system: "linux/x64" });
    assert.deepEqual([again.removals.length, again.leftBytes], [0, done.leftBytes]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("slimFolder() leaves the copy in the installer's cache that a file is a hard link to", async () => {
  const root = await Deno.makeTempDir();
  try {
    await write(root, "cache/a.map");
    await Deno.mkdir(join(root, "node_modules/a"), { recursive: true });
    await Deno.link(join(root, "cache/a.map"), join(root, "node_modules/a/a.map"));
    assert.equal((await slimFolder(join(root, "node_modules"), { system: "linux/x64" })).removals.length, 1);
    assert.equal((await Deno.stat(join(root, "cache/a.map"))).size, 100);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("slimFolder() refuses a folder that is a link, absent, or not named node_modules", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(root, "other"));
    await Deno.symlink("other", join(root, "node_modules"));
    const slim = (name: string) => slimFolder(join(root, name), { system: "linux/x64" });
    await assert.rejects(slim("node_modules"), NotFoundError);
    await assert.rejects(slim("other"), NotFoundError);
    await assert.rejects(slim("none"), NotFoundError);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("packageFileOf() names the innermost package", () => {
  const name = (path: string) => packageFileOf(`node_modules/${path}`);
  assert.deepEqual(name("zod/a/b.js"), { package: "zod", path: "a/b.js" });
  assert.deepEqual(name(".deno/@a+b@1/node_modules/@a/b/c.js"), { package: "@a/b", path: "c.js" });
  assert.equal(name(".deno/.setup-cache.bin"), undefined);
  assert.equal(name(".deno/zod@4/.initialized"), undefined);
});

Deno.test("planRemovals() keeps the library of the system that runs, whichever it is", () => {
  const systems = ["linux/x64", "linux/arm64", "darwin/arm64", "win32/x64"];
  const files = systems.map((system) => fileOf("onnxruntime-node", `bin/napi-v6/${system}/lib`));
  for (const system of systems) {
    const gone = planRemovals(files, system).map(({ path }) => path);
    assert.deepEqual(gone, files.map(({ path }) => path).filter((path) => !path.includes(system)));
  }
  assert.equal(systemName({ os: "linux", arch: "x86_64" }), "linux/x64");
  assert.equal(systemName({ os: "darwin", arch: "aarch64" }), "darwin/arm64");
  assert.equal(systemName({ os: "windows", arch: "x86_64" }), "win32/x64");
});

Deno.test("SLIM_RULES names no type declaration", () => {
  for (const rule of SLIM_RULES) {
    for (const path of ["index.d.ts", "dist/index.d.ts", "dist/ops/add.d.ts", "types.d.ts", "index.d.cts"]) {
      assert.ok(!mayGo(rule, fileOf(rule.package, path), "linux/x64"), `${rule.files} and ${path}`);
    }
  }
});

Deno.test("SLIM_RULES keeps what Deno resolves for every package of deno.json", async () => {
  const { files } = await readInstalled(NODE_MODULES);
  const gone = new Set(planRemovals(files, systemName(Deno.build)).map(({ file }) => file));
  for (const [name, target] of Object.entries(manifest.imports)) {
    if (!target.startsWith("npm:") || name === "h5wasm") continue; // only h5wasm/node is imported
    const file = await Deno.realPath(fileURLToPath(import.meta.resolve(name)));
    assert.ok(!gone.has(file), `${name} is ${file}`);
  }
});

Deno.test("SLIM_RULES names installed packages only", async () => {
  const { files } = await readInstalled(NODE_MODULES);
  const installed = new Set(files.map((file) => file.package));
  assert.deepEqual(
    SLIM_RULES.map((rule) => rule.package).filter((name) => name !== "*" && !installed.has(name)),
    [],
  );
});

Deno.test("SLIM_RULES has something to remove for each rule, unless node_modules is slim", async () => {
  const { files } = await readInstalled(NODE_MODULES);
  if (planRemovals(files, systemName(Deno.build)).length === 0) return; // it was slimmed: there is nothing to see
  const idle = SLIM_RULES.filter((rule) => !files.some((file) => mayGo(rule, file, "none/none")));
  assert.deepEqual(idle.map((rule) => `${rule.package} ${rule.files}`), []);
});
