import assert from "node:assert/strict";
import { findCircles, importGraph } from "./circles.ts";

/** The graph of lines such as `a: b c`. */
function graphOf(...lines: readonly string[]): Map<string, string[]> {
  return new Map(lines.map((line) => {
    const [file, targets] = line.split(": ");
    return [file!, targets?.split(" ") ?? []];
  }));
}

Deno.test("findCircles() finds nothing where files import downward only", () => {
  assert.deepEqual(findCircles(graphOf("a: b c", "b: d", "c: d", "d")), []);
});

Deno.test("findCircles() finds a planted circle and leaves out what leads to it and from it", () => {
  assert.deepEqual(findCircles(graphOf("before: c", "c: a", "a: b", "b: c after", "after")), [[
    "a",
    "b",
    "c",
  ]]);
});

Deno.test("findCircles() separates two circles, even if one leads to the other", () => {
  assert.deepEqual(findCircles(graphOf("d: c", "c: d a", "a: b", "b: a")), [["a", "b"], ["c", "d"]]);
});

Deno.test("findCircles() joins circles that share a file", () => {
  assert.deepEqual(findCircles(graphOf("a: b c", "b: a", "c: a")), [["a", "b", "c"]]);
});

Deno.test("findCircles() counts a file that imports itself", () => {
  assert.deepEqual(findCircles(graphOf("a: a", "b: a")), [["a"]]);
});

Deno.test("importGraph() follows relative paths and our own names, and leaves out packages", () => {
  const sites = [
    { file: "data/a.ts", specifier: "./b.ts" },
    { file: "data/a.ts", specifier: "../core/c.ts", isType: true },
    { file: "data/b.ts", specifier: "zod" },
    { file: "data/b.ts", specifier: "./text.txt" },
    { file: "plugins/p/mod.ts", specifier: "beamline" },
    { file: "core/c.ts", specifier: "../data/a.ts", isDynamic: true },
  ];
  const files = ["data/a.ts", "data/b.ts", "core/c.ts", "plugins/p/mod.ts", "mod.ts"];
  const graph = importGraph(sites, files, new Map([["beamline", "mod.ts"]]));
  assert.deepEqual([...graph], [
    ["data/a.ts", ["data/b.ts", "core/c.ts"]],
    ["data/b.ts", []],
    ["core/c.ts", ["data/a.ts"]],
    ["plugins/p/mod.ts", ["mod.ts"]],
    ["mod.ts", []],
  ]);
});
