import assert from "node:assert/strict";
import { NotFoundError } from "../../core/errors.ts";
import { describeEngines, ENGINE_NAMES, engineByName } from "./engines.ts";

Deno.test("engineByName() finds every engine by its name", async () => {
  for (const name of ENGINE_NAMES) assert.equal((await engineByName(name)).name, name);
});

Deno.test("engineByName() rejects an unknown name and suggests the nearest", async () => {
  await assert.rejects(engineByName("nativ"), (error: NotFoundError) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(
      error.message,
      'Cannot open engine "nativ" as the engines are "native" and "reference": found no such name; did you mean "native"?',
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
  assert.deepEqual(engines.map(({ name }) => name), ["native", "reference"]);
  for (const engine of engines) {
    assert.ok(engine.available, engine.note);
    assert.match(engine.version!, /^\d+\.\d+\.\d+/);
  }
});
