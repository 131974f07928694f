import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256Hex } from "../core/hash.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { CheckpointStore } from "./checkpoint.ts";
import type { TrainingCounters } from "./counters.ts";

const COUNTERS: TrainingCounters = {
  step: 3,
  epoch: 1,
  stepInEpoch: 0,
  bestLoss: 0.5,
  bestEpoch: 1,
  bestStep: 3,
  epochsSinceBest: 0,
  plateauDrops: 0,
  epochsSinceDrop: 0,
  sums: {},
};
const STATE = { "dense/kernel": { dtype: "float32", shape: [2], data: Float32Array.of(1, -2.5) } } as const;

Deno.test("CheckpointStore gives back state and counters", async () => {
  await withTempDir(async (directory) => {
    const store = new CheckpointStore(directory);
    await store.write("network", 3, COUNTERS, STATE);
    await store.point("last", "network", "3");
    assert.deepEqual(await store.pointer("last"), { step: 3, directory: "3", models: { network: "3" } });
    const { manifest, state } = await store.read("3");
    assert.deepEqual(manifest.counters, COUNTERS);
    assert.deepEqual([...state["dense/kernel"]!.data], [1, -2.5]);
  });
});

Deno.test("CheckpointStore rejects a checkpoint with one changed byte", async () => {
  await withTempDir(async (directory) => {
    const store = new CheckpointStore(directory);
    await store.write("network", 3, COUNTERS, STATE);
    const path = join(directory, "3", "state.safetensors");
    const bytes = await Deno.readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await Deno.writeFile(path, bytes);
    await assert.rejects(store.read("3"), {
      name: "DataError",
      message: /match its checksums: Expected sha256/,
    });
  });
});

Deno.test("CheckpointStore prunes what no pointer names", async () => {
  await withTempDir(async (directory) => {
    const store = new CheckpointStore(directory);
    for (const step of [1, 2, 3]) await store.write("network", step, COUNTERS, STATE);
    await store.point("best", "network", "2");
    await store.prune(["3"]);
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["2", "3", "best.json"]);
  });
});

Deno.test("CheckpointStore writes manifest.json in the form that older and newer runs read", async () => {
  await withTempDir(async (directory) => {
    const store = new CheckpointStore(directory);
    await store.write("network", 13, { ...COUNTERS, sums: { loss: 1.5 } }, STATE);
    const bytes = await Deno.readFile(join(directory, "13", "state.safetensors"));
    const text = await Deno.readTextFile(join(directory, "13", "manifest.json"));
    assert.equal(
      text,
      `{
  "schema": "beamline-checkpoint/1",
  "model": "network",
  "globalStep": 13,
  "counters": {
    "step": 3,
    "epoch": 1,
    "stepInEpoch": 0,
    "bestLoss": 0.5,
    "bestEpoch": 1,
    "bestStep": 3,
    "epochsSinceBest": 0,
    "plateauDrops": 0,
    "epochsSinceDrop": 0,
    "sums": {
      "loss": 1.5
    }
  },
  "files": {
    "state.safetensors": {
      "bytes": ${bytes.length},
      "sha256": "${sha256Hex(bytes)}"
    }
  }
}
`,
    );
  });
});

Deno.test("CheckpointStore names the field of a manifest that is not right", async () => {
  await withTempDir(async (directory) => {
    const store = new CheckpointStore(directory);
    await store.write("network", 3, COUNTERS, STATE);
    const path = join(directory, "3", "manifest.json");
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace('"epochsSinceBest": 0', '"epochsSinceBest": -1'));
    await assert.rejects(store.read("3"), {
      message: /"counters\.epochsSinceBest" of manifest\.json is not right/,
    });
  });
});

Deno.test("CheckpointStore keeps a model that has not begun apart from the last step of the one before", async () => {
  await withTempDir(async (directory) => {
    const store = new CheckpointStore(directory);
    const start = { ...COUNTERS, step: 0 };
    assert.equal(await store.write("first", 0, start, STATE), "0");
    assert.equal(await store.write("first", 3, COUNTERS, STATE), "3");
    assert.equal(await store.write("second", 3, start, STATE), "3-second");
    assert.deepEqual(new Set(await store.newestFirst()), new Set(["3", "3-second", "0"]));
  });
});

Deno.test("CheckpointStore gives back counters that are not finite", async () => {
  await withTempDir(async (directory) => {
    const store = new CheckpointStore(directory);
    const counters = { ...COUNTERS, bestLoss: -Infinity, sums: { loss: NaN, other: Infinity, plain: 0.25 } };
    await store.write("network", 3, counters, STATE);
    assert.deepEqual((await store.read("3")).manifest.counters, counters);
    const { counters: stored } = JSON.parse(await Deno.readTextFile(join(directory, "3", "manifest.json")));
    assert.deepEqual(stored.sums, { loss: "NaN", other: "Infinity", plain: 0.25 });
  });
});
