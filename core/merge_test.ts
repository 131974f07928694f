import assert from "node:assert/strict";
import { mergeConfig } from "./merge.ts";
import type { JsonObject } from "./types.ts";

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

Deno.test("mergeConfig() lets later layers win and remembers where each value comes from", () => {
  const { values, sources } = mergeConfig([
    { source: "default", values: { epochs: 20, model: { depth: 2, width: 64, act: { name: "relu" } } } },
    { source: "preset seed", values: { epochs: 1, model: { width: 8 } } },
    { source: "config.json", values: { model: { act: { name: "gelu" } } } },
    { source: "--epochs", values: { epochs: 3 } },
  ]);
  assert.deepEqual(plain(values), { epochs: 3, model: { depth: 2, width: 8, act: { name: "gelu" } } });
  assert.deepEqual({ ...sources }, {
    "epochs": "--epochs",
    "model.depth": "default",
    "model.width": "preset seed",
    "model.act.name": "config.json",
  });
});

Deno.test("mergeConfig() replaces arrays whole and takes null as a value", () => {
  const { values, sources } = mergeConfig([
    { source: "default", values: { energies: [1, 2, 3], cut: { low: 1 } } },
    { source: "file", values: { energies: [5], cut: null } },
  ]);
  assert.deepEqual(plain(values), { energies: [5], cut: null });
  assert.deepEqual({ ...sources }, { energies: "file", cut: "file" });
});

Deno.test("mergeConfig() replaces a value by an object and an object by a value", () => {
  const first = mergeConfig([{ source: "a", values: { x: 1 } }, { source: "b", values: { x: { y: 2 } } }]);
  assert.deepEqual({ ...first.sources }, { "x.y": "b" });
  const second = mergeConfig([{ source: "a", values: { x: { y: 2 } } }, { source: "b", values: { x: 1 } }]);
  assert.deepEqual({ ...second.sources }, { x: "b" });
});

Deno.test("mergeConfig() names the source of an empty object until a value is put in", () => {
  const layers = [{ source: "a", values: { x: {} } }, { source: "b", values: { x: { y: 1 } } }];
  assert.deepEqual({ ...mergeConfig(layers.slice(0, 1)).sources }, { x: "a" });
  assert.deepEqual({ ...mergeConfig(layers).sources }, { "x.y": "b" });
  assert.deepEqual({ ...mergeConfig([...layers, { source: "c", values: { x: {} } }]).sources }, {
    "x.y": "b",
  });
});

Deno.test("mergeConfig() skips undefined and leaves the layers alone", () => {
  const base = { x: { y: 1 } };
  const { values } = mergeConfig([
    { source: "a", values: base },
    { source: "b", values: { x: { y: undefined, z: 2 } } as unknown as JsonObject },
  ]);
  assert.deepEqual(plain(values), { x: { y: 1, z: 2 } });
  assert.deepEqual(base, { x: { y: 1 } });
});

Deno.test("mergeConfig() takes and returns objects without prototype", () => {
  const layer = Object.assign(Object.create(null), { toString: 1 });
  const { values } = mergeConfig([{ source: "a", values: layer }]);
  assert.equal(Object.getPrototypeOf(values), null);
  assert.equal(values["toString"], 1);
  assert.equal(values["hasOwnProperty"], undefined);
});

Deno.test("mergeConfig() rejects keys that name a prototype", () => {
  for (const key of ["__proto__", "constructor", "prototype"]) {
    const values = JSON.parse(`{"model": {"${key}": {"polluted": 1}}}`);
    assert.throws(() => mergeConfig([{ source: "config.json", values }]), {
      name: "TypeError",
      message:
        `Cannot merge configuration from "config.json" as a key must not name a prototype: found "model.${key}"`,
    });
  }
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

Deno.test("mergeConfig() rejects a layer that is not an object", () => {
  for (const [values, found] of [[[1], "an array"], [null, "null"], [3, "number"]] as const) {
    assert.throws(() => mergeConfig([{ source: "config.json", values: values as unknown as JsonObject }]), {
      name: "TypeError",
      message: `Cannot merge configuration from "config.json" as it must be an object: found ${found}`,
    });
  }
});
