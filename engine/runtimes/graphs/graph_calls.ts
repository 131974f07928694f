/**
 * How a ready graph is called: as a whole, or in shards that several threads make at the same time.
 *
 * @module
 */
import type { NamedGraph, ReadyGraph, ReadyShards } from "./graph_cache.ts";
import type { LoadOptions, OrtCall, OrtModel, OrtTensor } from "./ort_types.ts";
import type { PackageOrt } from "./ort_package.ts";
import { partialName } from "../../passes/sharding.ts";

/** Where the tensors of a program lie, by name. */
export interface Places {
  input(name: string): OrtTensor;
  output(name: string): OrtTensor;
  /** State as it is. */
  present(name: string): OrtTensor;
  /** State as it will be. */
  next(name: string): OrtTensor;
}

/** A loaded graph. */
export interface GraphCalls {
  /** A call with tensors in fixed places. */
  bind(places: Places): OrtCall;
  dispose(): Promise<void>;
}

/** Loads a graph, in one piece with the given options. */
export function loadCalls(graph: ReadyGraph, ort: PackageOrt, options: LoadOptions): Promise<GraphCalls> {
  return graph.shards ? loadShards(graph.shards, ort) : loadWhole(graph, ort, options);
}

async function loadWhole(graph: ReadyGraph, ort: PackageOrt, options: LoadOptions): Promise<GraphCalls> {
  const model = await load(graph, ort, { ...options, cpuNodes: graph.cpuNodes });
  return { bind: (places) => bindAll(model, graph, places), dispose: () => model.dispose() };
}

async function load(
  { onnx, names }: NamedGraph,
  ort: PackageOrt,
  options: Parameters<PackageOrt["load"]>[2],
): Promise<OrtModel> {
  const order = {
    inputs: [...names.inputs, ...names.state.map((entry) => entry.input)],
    outputs: [...names.outputs, ...names.updates].map((entry) => entry.output),
  };
  return await ort.load(onnx, order, options);
}

function bindAll(model: OrtModel, { names }: NamedGraph, places: Places): OrtCall {
  return model.bind(
    [
      ...names.inputs.map((name) => places.input(name)),
      ...names.state.map(({ name }) => places.present(name)),
    ],
    [
      ...names.outputs.map(({ name }) => places.output(name)),
      ...names.updates.map(({ name }) => places.next(name)),
    ],
  );
}

/**
 * Shards on a thread each, then what comes after them on this one: it is short, and threads of its operations, which look
 * out for work for a while after each, would take the cores from the next shards.
 */
async function loadShards(shards: ReadyShards, ort: PackageOrt): Promise<GraphCalls> {
  const together = await ort.together?.(shards.count) ?? inTurn;
  const shard = await load(shards.shard, ort, { threads: 1 });
  const after = shards.after && await load(shards.after, ort, { threads: 1 });
  const numbers = [...Array(shards.count).keys()];
  const partials = new Map<string, OrtTensor>(
    numbers.flatMap((k) =>
      shards.partials.map(({ name, dtype, shape }) =>
        [partialName(k, name), ort.tensor(dtype, shape)] as const
      )
    ),
  );
  const views: OrtTensor[] = [];
  /** The part that a shard has of the first axis of a tensor. */
  const slice = (whole: OrtTensor, k: number): OrtTensor => {
    const shape = [whole.shape[0]! / shards.count, ...whole.shape.slice(1)];
    const view = ort.tensor(whole.dtype, shape, {
      tensor: whole,
      offset: k * whole.data.length / shards.count,
    });
    views.push(view);
    return view;
  };
  const [inputs, outputs] = [new Set(shards.shardedInputs), new Set(shards.shardedOutputs)];
  return {
    bind(places) {
      const calls = numbers.map((k) =>
        bindAll(shard, shards.shard, {
          ...places,
          input: (name) => inputs.has(name) ? slice(places.input(name), k) : places.input(name),
          output: (name) =>
            outputs.has(name) ? slice(places.output(name), k) : partials.get(partialName(k, name))!,
        })
      );
      const reduced = after &&
        bindAll(after, shards.after!, {
          ...places,
          input: (name) => partials.get(name) ?? places.input(name),
        });
      return async () => {
        await together(calls);
        await reduced?.();
      };
    },
    async dispose() {
      await shard.dispose();
      await after?.dispose();
      for (const tensor of [...views, ...partials.values()]) ort.release(tensor);
    },
  };
}

/** Calls one after the other, where one thread makes them all: the numbers are those of calls at the same time. */
async function inTurn(calls: readonly OrtCall[]): Promise<void> {
  for (const call of calls) await call();
}
