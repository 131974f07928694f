/**
 * Programs as ONNX files that stand on their own: weights are constants of the graph, rows are as many as are given.
 *
 * @module
 */
import { NotFoundError } from "../../core/errors.ts";
import { formatType } from "../program/kernels.ts";
import type { Program } from "../program/types.ts";
import type { Tensors } from "../runtimes/types.ts";
import type { OnnxGraph, OnnxNode, Value } from "./builder.ts";
import { type BatchedGraph, openBatch, type OpenValue } from "./dynamic.ts";
import { lower } from "./lower.ts";
import { encodeOnnxFile, type FileFacts } from "./onnx_file.ts";
import { optimize } from "../passes/passes.ts";

/** One program, traced for two numbers of rows. */
export interface TracedTwice {
  readonly program: Program;
  readonly rows: number;
}

/** An ONNX file and its interface. */
export interface ExportedModel {
  readonly onnx: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly OpenValue[];
  readonly outputs: readonly OpenValue[];
}

/**
 * Writes a program as an ONNX file.
 *
 * @param traces The same program for two numbers of rows; best two primes that are no layer's size.
 * @param state Weights; those that the program reads become constants under their own names.
 *
 * @throws {UnsupportedError} If the number of rows is baked in somewhere: which node, and how.
 * @throws {NotFoundError} If a weight is missing.
 * @throws {TypeError} If a weight has another type than in the program.
 */
export function exportOnnx(
  traces: readonly [TracedTwice, TracedTwice],
  state: Tensors,
  facts: FileFacts,
): ExportedModel {
  const [first, second] = traces.map(({ program, rows }) => ({ graph: closed(program, state), rows }));
  const open = openBatch(first as BatchedGraph, second as BatchedGraph);
  return { onnx: encodeOnnxFile(open, facts), inputs: open.inputs, outputs: open.outputs };
}

/** The graph with its weights as constants. */
function closed(program: Program, state: Tensors): OnnxGraph {
  const { graph, state: read } = lower(optimize(program, () => false).program);
  const names = new Map<string, string>();
  const taken = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  const weights = read.map(({ name, input }) => {
    const value = graph.inputs.find((candidate) => candidate.name === input)!;
    names.set(input, taken.has(name) ? input : name);
    const tensor = Object.hasOwn(state, name) ? state[name] : undefined;
    if (!tensor) {
      throw new NotFoundError(
        `Cannot export "${program.name}" as its weights must be given: found no "${name}"`,
        "state",
        name,
      );
    }
    if (formatType(tensor) !== formatType(value as never)) {
      throw new TypeError(
        `Cannot export "${program.name}" as weight "${name}" must be ${formatType(value as never)}: found ${
          formatType(tensor)
        }`,
      );
    }
    const { buffer, byteOffset, byteLength } = tensor.data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return { value: { ...value, name: names.get(input)! }, bytes };
  });
  const renamed = <V extends Value | null>(value: V): V =>
    value && names.has(value.name) ? { ...value, name: names.get(value.name)! } : value;
  const nodes = graph.nodes.map((node): OnnxNode => ({ ...node, inputs: node.inputs.map(renamed) }));
  const inputs = graph.inputs.filter(({ name }) => !names.has(name));
  return { ...graph, nodes, inputs, initializers: [...graph.initializers, ...weights] };
}
