/**
 * ONNX files for other programs: weights inside, any number of rows, metadata, an operator set that older readers know.
 *
 * @see https://github.com/onnx/onnx/blob/v1.12.0/onnx/onnx.proto for the numbers of the fields.
 *
 * @module
 */
import type { OpenGraph, OpenValue } from "./dynamic.ts";
import { encodeGraph, encodeValue, operatorSets } from "./encode.ts";
import { Message } from "./protobuf.ts";

/**
 * The operator set of exported files. Graphs are made for 18; but for the axes of four reductions, which moved from an
 * attribute to an input, the operators used are the same in 17.
 */
export const EXPORT_OPSET = 17;
/** The file format that came with operator set 17 (onnx 1.12). */
export const EXPORT_IR_VERSION = 8;

/** What an exported file says of itself. */
export interface FileFacts {
  readonly producerVersion: string;
  readonly modelVersion: number;
  /** Markdown. */
  readonly description: string;
  readonly metadata: { readonly [key: string]: string };
  /** Of inputs and outputs by name, such as "unit: keV". */
  readonly notes: { readonly [name: string]: string };
}

/** Encodes a model file. */
export function encodeOnnxFile(graph: OpenGraph, facts: FileFacts): Uint8Array<ArrayBuffer> {
  const { name, nodes, initializers, inputs, outputs } = withOldReductions(graph);
  const noted = (value: OpenValue) => {
    const note = facts.notes[value.name];
    return note === undefined ? encodeValue(value) : encodeValue(value).text(3, note);
  };
  return new Message()
    .int(1, EXPORT_IR_VERSION)
    .text(2, "beamline")
    .text(3, facts.producerVersion)
    .int(5, facts.modelVersion)
    .text(6, facts.description)
    .message(
      7,
      encodeGraph(name, nodes, initializers).messages(11, inputs, noted).messages(12, outputs, noted),
    )
    .messages(8, operatorSets(nodes, EXPORT_OPSET), (set) => set)
    .messages(14, Object.entries(facts.metadata), ([key, value]) => new Message().text(1, key).text(2, value))
    .finish();
}

/** Reductions whose axes became an input in operator set 18; those of `ReduceSum` did so in 13. */
const MOVED: readonly string[] = ["ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd"];

/** The graph with the axes of reductions as attributes. */
function withOldReductions(graph: OpenGraph): OpenGraph {
  const constants = new Map(graph.initializers.map((one) => [one.value.name, one]));
  const nodes = graph.nodes.map((node) => {
    if (!MOVED.includes(node.op) || node.inputs.length < 2) return node;
    const axes = constants.get(node.inputs[1]!.name)!;
    const numbers = Array.from(new BigInt64Array(axes.bytes.slice().buffer), Number);
    return { ...node, inputs: [node.inputs[0]!], attrs: { ...node.attrs, axes: numbers } };
  });
  const used = new Set(nodes.flatMap(({ inputs }) => inputs.map((input) => input?.name)));
  return { ...graph, nodes, initializers: graph.initializers.filter(({ value }) => used.has(value.name)) };
}
