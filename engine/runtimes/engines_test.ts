import assert from "node:assert/strict";
import { NotFoundError, UnsupportedError } from "../../core/errors.ts";
import { describeEngines, ENGINE_NAMES, engineByName, inspectEngine } from "./engines.ts";

Deno.test("engineByName() finds every engine by its name", async () => {
  for (const name of ENGINE_NAMES) assert.equal((await engineByName(name)).name, name);
});

Deno.test("engineByName() rejects an unknown name and suggests the nearest", async () => {
  await assert.rejects(engineByName("nativ"), (error: NotFoundError) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(
      error.message,
      'Cannot open engine "nativ" as the engines are "native", "wasm", "native:webgpu", "native:cuda", and "reference": found no such name; did you mean "native"?',
    );
    assert.deepEqual([error.kind, error.thing, error.nearest], ["engine", "nativ", "native"]);
    return true;
  });
});

Deno.test("engineByName() does not take names of object members", async () => {
  await assert.rejects(engineByName("constructor"), NotFoundError);
});

Deno.test("describeEngines() tells name, version and how each is reached", async () => {
  const engines = await describeEngines();
  assert.deepEqual(engines.map(({ name }) => name), ENGINE_NAMES);
  for (const engine of engines) {
    if (engine.available) assert.match(engine.version!, /^\d+\.\d+\.\d+/);
    else assert.match(engine.name, /^native:/, engine.note);
  }
});

Deno.test("describeEngines() says what a provider lacks and how to get it", async () => {
  for (const { name, available, note } of await describeEngines()) {
    if (!available) assert.match(note!, new RegExp(`^Cannot open engine "${name}" as it needs .+: found .+`));
  }
});

Deno.test("inspectEngine() gives the version, or the reason", async () => {
  assert.match(await inspectEngine("wasm"), /^1\.\d+\.\d+/);
  await assert.rejects(inspectEngine("cuda"), NotFoundError);
  const lacking = (await describeEngines()).filter(({ available }) => !available);
  for (const { name } of lacking) await assert.rejects(inspectEngine(name), UnsupportedError);
});
