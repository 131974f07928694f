/** Each rule of `tools/lint_plugin.ts` catches what it should, and nothing beside it. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { findCircles, importGraph } from "../tools/circles.ts";
import { listFiles } from "../tools/files.ts";
import { crowdedFolders, MOST_FILES } from "../tools/folders.ts";
import { type ImportSite, LAYERS, packageName, PACKAGES } from "../tools/layers.ts";
import plugin, { importVisitor, OURS } from "../tools/lint_plugin.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Names of the rules that a file breaks, in order of appearance. */
function brokenRules(file: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, `${ROOT}${file}`, source).map((found) =>
    found.id.replace("beamline/", "")
  );
}

/** A file, a line in it, and the rules that it breaks. */
type Case = readonly [file: string, source: string, ...rules: string[]];

/** Statements on `count` lines of their own, and the line breaks around them. */
function lines(count: number): string {
  return `\n${"b();\n".repeat(count)}`;
}

const CASES: { readonly [rule: string]: readonly Case[] } = {
  layers: [
    ["core/random.ts", `import { a } from "../data/mod.ts";`, "layers"],
    ["core/types.ts", `import type { A } from "./errors.ts";`, "layers"],
    ["core/plugin.ts", `import type { A } from "./types.ts";`],
    ["formats/npy.ts", `import { DataError } from "../core/errors.ts";`],
    ["formats/npy.ts", `import { mean } from "../metrics/mod.ts";`, "layers"],
    ["metrics/fits/fit.ts", `import type { A } from "../../engine/mod.ts";`, "layers"],
    ["plot/marks/dom.ts", `export { a } from "../../report/mod.ts";`, "layers"],
    ["engine/trace/trace.ts", `export * from "../program/types.ts";`],
    ["engine/trace/trace.ts", `const a = await import("../../run/store/run_directory.ts");`, "layers"],
    ["report/report.ts", `import { a } from "../plot/mod.ts";`],
    ["report/report.ts", `type A = import("../run/store/run_directory.ts").A;`, "layers"],
    ["run/run.ts", `import { a } from "../report/mod.ts";`],
    ["run/run.ts", `import { a } from "../tasks/run.ts";`, "layers"],
    ["run/run.ts", `import { a } from "../plugins/mod.ts";`, "layers"],
    ["run/run.ts", `import { a } from "beamline";`, "layers"],
    ["mod.ts", `export { a } from "./run/run.ts";`],
    ["mod.ts", `export { a } from "./tasks/run.ts";`, "layers"],
    ["tasks/run.ts", `import { a } from "../plugins/mod.ts";`],
    ["plugins/ecal/mod.ts", `import { z } from "beamline"; import * as tf from "beamline/tf";`],
    ["plugins/ecal/mod.ts", `import { simulate } from "./data.ts";`],
    ["plugins/ecal/mod.ts", `import { a } from "../../core/plugin.ts";`, "layers"],
    ["plugins/ecal/mod.ts", `import { a } from "../hcal/mod.ts";`, "layers"],
    ["plugins/mod.ts", `const a = () => import("./ecal/mod.ts");`],
    ["examples/peak/mod.ts", `import { mean } from "beamline/metrics";`],
    ["examples/peak/mod.ts", `import { a } from "../../plugins/ecal/mod.ts";`, "layers"],
    ["data/text.ts", `import text from "/etc/hostname" with { type: "text" };`, "layers"],
    ["formats/npy_test.ts", `import { a } from "../run/run.ts";`],
    ["tests/commands/cli_test.ts", `import { a } from "../run/run.ts";`],
  ],
  packages: [
    ["core/plugin.ts", `import { z } from "zod";`],
    ["formats/npz.ts", `import { z } from "zod";`, "packages"],
    ["engine/tf.ts", `export * from "@tensorflow/tfjs-core";`],
    ["engine/nn/adam.ts", `import * as tf from "@tensorflow/tfjs-core";`, "packages"],
    ["engine/nn/adam.ts", `import type { Tensor } from "@tensorflow/tfjs-core";`, "packages"],
    ["core/tensor.ts", `export type { Tensor } from "@tensorflow/tfjs-core";`],
    ["core/tensor.ts", `import { type Tensor } from "@tensorflow/tfjs-core";`],
    ["core/tensor.ts", `export { Tensor } from "@tensorflow/tfjs-core";`, "packages"],
    ["engine/runtimes/native/ort.ts", `const ort = await import("onnxruntime-node");`],
    ["engine/runtimes/native/ort.ts", `import type { Tensor } from "onnxruntime-node";`],
    ["engine/runtimes/native/ort.ts", `import { Tensor } from "onnxruntime-node";`, "packages"],
    ["run/run.ts", `const ort = await import("onnxruntime-node");`, "packages"],
    ["tasks/list.ts", `import { Command } from "commander/esm.mjs";`, "packages"],
    ["plugins/ecal/mod.ts", `import { z } from "zod";`, "packages"],
    ["data/png.ts", `import { decode } from "fast-png";`, "packages"],
    ["formats/npy.ts", `import { open } from "node:fs/promises";`],
  ],
  remote: [
    ["data/a.ts", `import { a } from "https://example.org/a.ts";`, "remote"],
    ["data/a.ts", `import { a } from "jsr:@std/path@1";`, "remote"],
    ["tests/a_test.ts", `const a = await import("npm:zod@4");`, "remote"],
  ],
  private: [
    ["formats/npz.ts", `import { a } from "./_bytes.ts";`],
    ["data/root/tree.ts", `import { a } from "../_bytes.ts";`, "private"],
    ["formats/npz_test.ts", `import { a } from "./inner/_bytes.ts";`],
  ],
  tests: [
    ["formats/npz.ts", `import { a } from "./npy_test.ts";`, "tests"],
    ["formats/npz_test.ts", `import { a } from "./npy_test.ts";`, "tests"],
  ],
  ambient: [
    ["metrics/a.ts", `const a = Math.random();`, "ambient"],
    ["metrics/a.ts", `const a = Math["random"]();`, "ambient"],
    ["metrics/a.ts", `const a = globalThis.Math.random();`, "ambient"],
    ["metrics/a.ts", `const a = Math.max(1, 2);`],
    ["engine/a.ts", `const a = [Date.now(), performance.now()];`, "ambient", "ambient"],
    ["engine/a.ts", `const a = new Date();`, "ambient"],
    ["engine/a.ts", `const a = new Date(0);`],
    ["plugins/ecal/a.ts", `const a = Deno.env.get("HOME");`, "ambient"],
    ["plot/a.ts", `const a = process.env.HOME;`, "ambient"],
    ["core/a.ts", `crypto.randomUUID();`, "ambient"],
    ["core/a.ts", `await crypto.subtle.digest("SHA-256", bytes);`],
    ["run/a.ts", `const a = [Date.now(), Math.random(), Deno.env.get("HOME")];`],
    ["tasks/a.ts", `const a = performance.now();`],
    ["bench/a.ts", `const a = performance.now();`],
    ["metrics/a_test.ts", `const a = Math.random();`],
    ["engine/a.ts", `Math.random = () => 0.5;`],
    ["engine/a.ts", `const a = Math.random;`, "ambient"],
  ],
  console: [
    ["run/a.ts", `console.log("a");`, "console"],
    ["plugins/ecal/a.ts", `globalThis.console.warn("a");`, "console"],
    ["tasks/a.ts", `console.log("a");`, "console"],
    ["tasks/terminal/print.ts", `console.log("a");`],
    ["tasks/a.ts", `Deno.stderr.writeSync(bytes);`, "console"],
    ["tasks/a.ts", `await stream.pipeTo(Deno.stdout.writable);`, "console"],
    ["tasks/a.ts", `process.stdout.write("a");`, "console"],
    ["tasks/a.ts", `confirm("a");`, "console"],
    ["tasks/a.ts", `Deno.stderr.isTerminal();`],
    ["run/a.ts", `console.log = () => {};`],
    ["run/a.ts", `console[method] = log;`],
    ["tools/a.ts", `console.error("a");`],
    ["bench/a.ts", `console.error("a");`],
  ],
  "error-message": [
    ["data/a.ts", `throw new DataError("Cannot read it");`],
    ["data/a.ts", `throw new DataError("cannot read it");`, "error-message"],
    ["data/a.ts", `throw new DataError("Cannot read it.");`, "error-message"],
    ["data/a.ts", `throw new DataError("Can't read it");`, "error-message"],
    ["data/a.ts", "throw new TypeError(`Cannot read as it doesn’t end: ${a}`);", "error-message"],
    ["data/a.ts", "throw new TypeError(`Cannot read ${a}.`);", "error-message"],
    ["data/a.ts", "throw new TypeError(`${name} is wrong: 1.${a}`);"],
    ["data/a.ts", "throw new TypeError(`Cannot read ${a}\n${b}`);", "error-message"],
    ["data/a.ts", `throw new RangeError("Cannot read: " + a + " bytes.");`, "error-message"],
    ["data/a.ts", `throw RangeError("it is wrong");`, "error-message"],
    ["data/a.ts", `throw TypeError("images must be channels-last: found " + format);`],
    ["data/a.ts", `throw new AggregateError(causes, "it is wrong");`, "error-message"],
    ["data/a.ts", `throw new TypeError("Cannot use the plugin's name");`],
    ["data/a.ts", `throw new TypeError(message);`],
    ["data/a_test.ts", `throw new Error("boom.");`],
    ["data/a.ts", `checkError("it is lower case");`],
  ],
  "function-length": [
    ["data/a.ts", `function a() {${lines(58)}}`],
    ["data/a.ts", `function a() {${lines(60)}}`, "function-length"],
    ["data/a.ts", `const a = () => {${lines(60)}};`, "function-length"],
    ["data/a.ts", `class A { a() {${lines(60)}} }`, "function-length"],
    ["data/a.ts", `function a() { b(() => {${lines(60)}}); }`, "function-length", "function-length"],
    ["data/a.ts", `const a = () => [${"1,\n".repeat(60)}];`],
    ["data/a.ts", `const a = () => ({${"a,\n".repeat(60)}} as const satisfies A);`],
    ["data/a.ts", `function a() { return {${"a,\n".repeat(60)}}; }`],
    [
      "data/a.ts",
      `function a() { return {${"a,\n".repeat(60)} b: () => {${lines(60)}} }; }`,
      "function-length",
    ],
    ["data/a.ts", `function a() { c(); return {${"a,\n".repeat(60)}}; }`, "function-length"],
    ["report/a.ts", "function a() { return `" + "\n".repeat(60) + "`; }"],
    ["data/a_test.ts", `function a() {${lines(60)}}`],
    ["tests/sandbox/a.ts", `function a() {${lines(60)}}`],
  ],
};

for (const [rule, cases] of Object.entries(CASES)) {
  Deno.test(`lint rule ${rule} reports what breaks it and nothing else`, () => {
    for (const [file, source, ...rules] of cases) {
      assert.deepEqual(brokenRules(file, source), rules, `${file}: ${source}`);
    }
  });
}

Deno.test("lint plugin has a table of cases for every rule", () => {
  assert.deepEqual(Object.keys(plugin.rules).sort(), Object.keys(CASES).sort());
});

Deno.test("lint plugin ignores files outside the repository", () => {
  assert.deepEqual(
    Deno.lint.runPlugin(plugin, "/elsewhere/a.ts", `import { a } from "https://example.org/a.ts";`),
    [],
  );
});

Deno.test("lint message names the rule and what was found", () => {
  const [found] = Deno.lint.runPlugin(
    plugin,
    `${ROOT}formats/npy.ts`,
    `import { mean } from "../metrics/mod.ts";`,
  );
  assert.equal(
    found?.message,
    `Cannot import across rooms as formats may import its own files and only core: found "metrics/mod.ts" in formats/npy.ts`,
  );
});

Deno.test("LAYERS has no circle", () => {
  const order = Object.keys(LAYERS);
  for (const [room, allowed] of Object.entries(LAYERS)) {
    for (const other of allowed.filter((name) => name !== "beamline" && name !== "plugins")) {
      assert.ok(order.indexOf(other) < order.indexOf(room), `${room} imports ${other}`);
    }
  }
});

Deno.test("PACKAGES lists exactly the packages of deno.json", () => {
  const packages = Object.entries(manifest.imports).filter(([, target]) => target.startsWith("npm:"));
  const names = new Set(packages.map(([name]) => packageName(name)));
  assert.deepEqual(Object.keys(PACKAGES).sort(), [...names].sort());
});

/** All imports of a file. */
function importsOf(file: string, source: string): ImportSite[] {
  const found: ImportSite[] = [];
  const collector: Deno.lint.Plugin = {
    name: "collector",
    rules: {
      imports: {
        create: () => importVisitor((_, specifier, how) => void found.push({ file, specifier, ...how })),
      },
    },
  };
  Deno.lint.runPlugin(collector, file, source);
  return found;
}

Deno.test("importVisitor() finds imports and re-exports of every kind", () => {
  const source = `import { a } from "./a.ts"; import type { B } from "./b.ts"; export * from "./c.ts";
    export type { D } from "./d.ts"; const e = await import("./e.ts"); type F = import("./f.ts").F;
    // import { g } from "./g.ts";
    const text = 'import { h } from "./h.ts"';`;
  assert.deepEqual(
    importsOf("data/mod.ts", source).map(({ specifier }) => specifier),
    ["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts"],
  );
});

Deno.test("no files import each other in a circle", async () => {
  const files = await listFiles(".ts");
  const sites = await Promise.all(
    files.map(async (file) => importsOf(file, await Deno.readTextFile(`${ROOT}${file}`))),
  );
  const circles = findCircles(importGraph(sites.flat(), files, OURS));
  assert.deepEqual(circles, [], `in circles:\n${circles.map((circle) => circle.join(" ")).join("\n")}`);
});

Deno.test(`no folder of run, engine, sandbox and train holds more than ${MOST_FILES} files beside tests`, async () => {
  assert.deepEqual(crowdedFolders(await listFiles(".ts")), []);
});
