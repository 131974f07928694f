import assert from "node:assert/strict";
import { join } from "node:path";
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
