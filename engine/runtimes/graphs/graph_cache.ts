/**
 * Lowered programs, kept so that the same program is not lowered twice: in this process, and in a store where one is given.
 *
 * A graph that comes from the cache has the bytes that lowering would give again: the key holds all that lowering looks
 * at (see {@linkcode GraphCache.ready}), and nothing is ever changed in place.
 *
 * @module
 */
import { InternalError } from "../../../core/errors.ts";
import { sha256Hex } from "../../../core/hash.ts";
import { sizeOf } from "../../../core/types.ts";
import type { OnnxNode } from "../../onnx/builder.ts";
import { lower, type Lowered } from "../../onnx/lower.ts";
import { encodeOnnx } from "../../onnx/encode.ts";
import { type FlatState, optimize } from "../../passes/passes.ts";
import { type ShardedProgram, shardProgram, shardsOf } from "../../passes/sharding.ts";
import { programKey } from "../../program/key.ts";
import type { Program } from "../../program/types.ts";
import { multiplications } from "../threads.ts";

/** A graph and which of its tensors is which of a program. */
export interface NamedGraph {
  readonly onnx: Uint8Array<ArrayBuffer>;
  readonly names: Omit<Lowered, "graph">;
}

/** The graphs of a program in shards; see {@linkcode ShardedProgram}. */
export interface ReadyShards extends Omit<ShardedProgram, "shard" | "after"> {
  readonly shard: NamedGraph;
  readonly after: NamedGraph | undefined;
}

/** A lowered program: the bytes, and what a session has to know of them. */
export interface ReadyGraph extends NamedGraph {
  /** The same in shards, for several threads with rows of their own; undefined for one thread, or where rows meet. */
  readonly shards: ReadyShards | undefined;
  /** State tensors that the graph takes one after the other. */
  readonly flatStates: readonly FlatState[];
  /** In matrix products and convolutions of one run. */
  readonly multiplications: number;
  /** Nodes that must run on the CPU whatever the provider. */
  readonly cpuNodes: readonly string[];
}

/** Bytes by key, beyond this process. The store answers for them: it gives back what was put in, or nothing. */
export interface GraphStore {
  find(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  keep(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** What a graph is made for. */
export interface GraphRequest {
  /** Verified. */
  readonly program: Program;
  /** Name of the engine; decides which nodes stay on the CPU. */
  readonly engine: string;
  /** Which state tensors there are and which lie one after the other already, as text. */
  readonly layout: string;
  /** Lays out a flat state; false when its members lie elsewhere. */
  readonly accept: (flat: FlatState) => boolean;
  readonly onCpu?: ((node: OnnxNode) => boolean) | undefined;
  /** Shards that a program is wanted in, when they hand over partial sums of so many numbers. @default 1 */
  readonly shardsFor?: ((multiplications: number, numbers: number) => number) | undefined;
}

/** Bytes of graphs that a cache holds in memory; the oldest go first. */
const MOST_BYTES = 64 * 2 ** 20;

/** A cache of lowered programs. */
export class GraphCache {
  readonly #graphs = new Map<string, ReadyGraph>();
  readonly #store: GraphStore | undefined;
  #bytes = 0;

  /** @param store Where graphs are kept beyond this process. @default nowhere */
  constructor(store?: GraphStore) {
    this.#store = store;
  }

  /** The graph of a program with its flat states laid out: from memory, from the store, or lowered now. */
  async ready(request: GraphRequest): Promise<ReadyGraph> {
    const { program, engine, layout, accept, shardsFor } = request;
    const shards = shardsFor ? `${shardsFor(0, 0)} to ${shardsFor(Infinity, 0)} shards` : "whole";
    const key = sha256Hex(`${engine}\n${shards}\n${layout}\n${programKey(program)}`);
    const known = this.#graphs.get(key) ?? await this.#stored(key);
    if (!known) {
      const graph = lowered(request);
      this.#remember(key, graph);
      await this.#store?.keep(key, encodeGraph(graph));
      return graph;
    }
    const refused = known.flatStates.find((flat) => !accept(flat));
    if (refused) {
      throw new InternalError(
        `Cannot compile "${program.name}" as equal layouts take equal flat states: "${refused.name}" was refused`,
      );
    }
    this.#remember(key, known);
    return known;
  }

  async #stored(key: string): Promise<ReadyGraph | undefined> {
    const bytes = await this.#store?.find(key);
    return bytes && decodeGraph(bytes);
  }

  #remember(key: string, graph: ReadyGraph): void {
    this.#forget(key);
    this.#graphs.set(key, graph);
    this.#bytes += graph.onnx.length;
    for (const oldest of this.#graphs.keys()) {
      if (this.#bytes <= MOST_BYTES) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#graphs.get(key)?.onnx.length ?? 0;
    this.#graphs.delete(key);
  }
}

/** The cache of sessions that are not given one. */
export const sharedGraphs: GraphCache = new GraphCache();

/** Lowers a program. */
function lowered({ program, accept, onCpu, shardsFor }: GraphRequest): ReadyGraph {
  const { program: optimized, flatStates } = optimize(program, accept);
  const { graph, ...names } = lower(optimized);
  const count = multiplications(optimized);
  const sharded = shardProgram(optimized, shardsOf(optimized, shardsFor?.(count, 0) ?? 1));
  const numbers = sharded?.partials.reduce((sum, { shape }) => sum + sizeOf(shape), 0) ?? 0;
  return {
    onnx: encodeOnnx(graph),
    names,
    shards: sharded && shardsFor!(count, numbers) > 1 ? loweredShards(sharded) : undefined,
    flatStates,
    multiplications: count,
    cpuNodes: graph.nodes.filter((node) => onCpu?.(node)).map(({ name }) => name),
  };
}

function loweredShards(sharded: ShardedProgram): ReadyShards {
  return { ...sharded, shard: named(sharded.shard), after: sharded.after && named(sharded.after) };
}

function named(program: Program): NamedGraph {
  const { graph, ...names } = lower(program);
  return { onnx: encodeOnnx(graph), names };
}

/** Graphs of a ready graph in the order in which their bytes are stored. */
const GRAPHS: readonly ((graph: ReadyGraph) => NamedGraph | undefined)[] = [
  (graph) => graph,
  ({ shards }) => shards?.shard,
  ({ shards }) => shards?.after,
];

/** One line of JSON, in which the bytes of graphs are lengths, then those bytes. */
function encodeGraph(graph: ReadyGraph): Uint8Array<ArrayBuffer> {
  const facts = JSON.stringify(graph, (key, value) => key === "onnx" ? (value as Uint8Array).length : value);
  const head = new TextEncoder().encode(facts + "\n");
  const bodies = GRAPHS.flatMap((of) => of(graph)?.onnx ?? []);
  const whole = new Uint8Array(bodies.reduce((sum, { length }) => sum + length, head.length));
  let at = 0;
  for (const bytes of [head, ...bodies]) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

function decodeGraph(bytes: Uint8Array<ArrayBuffer>): ReadyGraph {
  let at = bytes.indexOf(10) + 1; // JSON has no line break
  const graph = JSON.parse(new TextDecoder().decode(bytes.subarray(0, at))) as ReadyGraph;
  for (const of of GRAPHS) {
    const stored = of(graph) as { onnx: unknown } | undefined;
    if (!stored) continue;
    const end = at + (stored.onnx as number);
    stored.onnx = bytes.slice(at, end);
    at = end;
  }
  return graph;
}
