import assert from "node:assert/strict";
import { kernelProgram, numbers, tensor } from "../../../tests/conformance/harness.ts";
import { adam } from "../../nn/mod.ts";
import type { TracedModel } from "../../trace/trace.ts";
import { perceptron } from "../perceptron_test_helpers.ts";
import { GraphCache, type GraphStore } from "./graph_cache.ts";
import { nativeEngine } from "../native/native.ts";
import { providerEngine } from "../native/ort_providers.ts";
import type { Tensors } from "../types.ts";

/** A store in memory that counts. */
class MemoryStore implements GraphStore {
  readonly entries = new Map<string, Uint8Array<ArrayBuffer>>();
  found = 0;

  find(key: string) {
    const bytes = this.entries.get(key);
    if (bytes) this.found++;
    return Promise.resolve(bytes);
  }

  keep(key: string, bytes: Uint8Array<ArrayBuffer>) {
    this.entries.set(key, bytes);
    return Promise.resolve();
  }
}

/** Two layers and Adam, whose updates are packed. */
function trainable(): Promise<TracedModel> {
  return perceptron(adam, "test/graphs");
}

/** Bytes of all programs in the order of compiling, and the state after three steps between the first and the second. */
async function trained({ programs, state }: TracedModel, graphs: GraphCache) {
  const session = await nativeEngine.open(state, { threads: 1, graphs });
  const step = await session.compile(programs["step"]!);
  const inputs = { x: numbers([8, 3]), y: numbers([8, 2]), learningRate: tensor("float32", [], [0.01]) };
  for (let i = 0; i < 3; i++) await step.run(inputs);
  const others = [];
  for (const [name, program] of Object.entries(programs)) {
    if (name !== "step") others.push(await session.compile(program));
  }
  const final: Tensors = await session.state();
  await session.dispose();
  return { onnx: [step, ...others].map((executable) => executable.onnx!), state: final };
}

Deno.test("GraphCache gives back a graph that it made, in this process and through a store, bit by bit", async () => {
  const model = await trainable();
  const programs = Object.keys(model.programs).length;
  const store = new MemoryStore();
  const graphs = new GraphCache(store);
  const first = await trained(model, graphs);
  const again = await trained(model, graphs);
  again.onnx.forEach((bytes, i) => assert.equal(bytes, first.onnx[i])); // the very same array
  assert.deepEqual([store.entries.size, store.found], [programs, 0]);
  const stored = await trained(await trainable(), new GraphCache(store));
  const lowered = await trained(model, new GraphCache());
  assert.deepEqual([store.entries.size, store.found], [programs, programs]);
  for (const other of [stored, lowered]) assert.deepEqual(other, first);
});

Deno.test("GraphCache tells apart what lies where: a program alone and after one that makes state flat", async () => {
  const { programs, state } = await trainable();
  const { step, predict } = programs;
  const store = new MemoryStore();
  const session = await nativeEngine.open(state, { graphs: new GraphCache(store) });
  await session.compile(predict!);
  await session.compile(step!);
  await session.compile(predict!);
  await session.dispose();
  assert.equal(store.entries.size, 3);
});

Deno.test("GraphCache tells apart a session in which a flat state cannot be made as its name is taken", async () => {
  const { programs: { step }, state } = await trainable();
  const store = new MemoryStore();
  const bytesWith = async (extra: Tensors): Promise<Uint8Array> => {
    const session = await nativeEngine.open({ ...state, ...extra }, { graphs: new GraphCache(store) });
    const { onnx } = await session.compile(step!);
    await session.dispose();
    return onnx!;
  };
  const usual = await bytesWith({});
  const facts = new TextDecoder().decode([...store.entries.values()][0]).split("\n")[0]!;
  const [flat] = JSON.parse(facts).flatStates as { name: string }[];
  const taken = { [flat!.name]: tensor("float32", [1], [0]) };
  const apart = await bytesWith(taken);
  assert.notDeepEqual(apart, usual);
  assert.deepEqual([await bytesWith({}), await bytesWith(taken)], [usual, apart]);
});

Deno.test("GraphCache gives back a program in shards through a store, and tells numbers of shards apart", async () => {
  const { programs: { step } } = await trainable();
  const store = new MemoryStore();
  const request = { program: step!, engine: "native", layout: "", accept: () => true };
  const inShards = (count: number) => new GraphCache(store).ready({ ...request, shardsFor: () => count });
  const made = await inShards(2);
  assert.equal(made.shards?.count, 2);
  assert.deepEqual(await inShards(2), made);
  assert.equal((await inShards(1)).shards, undefined);
  assert.deepEqual([store.entries.size, store.found], [2, 1]);
});

Deno.test("GraphCache keeps engines apart", async () => {
  const store = new MemoryStore();
  const program = kernelProgram("Relu", [numbers([2, 3])], {});
  const request = { program, layout: "", accept: () => false };
  for (const engine of ["native", "wasm", providerEngine("cuda").name]) {
    await new GraphCache(store).ready({ ...request, engine });
  }
  assert.equal(store.entries.size, 3);
});
