/**
 * ONNX files for other programs: weights inside, any number of rows, metadata, an operator set that older readers know.
 *
 * @see https://github.com/onnx/onnx/blob/v1.12.0/onnx/onnx.proto for the numbers of the fields.
 *
 * @module
 */
import { ONNX_TYPES, type OnnxAttr, type OnnxInitializer, type OnnxNode } from "./builder.ts";
import type { OpenGraph, OpenValue } from "./dynamic.ts";
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
  return new Message()
    .int(1, EXPORT_IR_VERSION)
    .text(2, "beamline")
    .text(3, facts.producerVersion)
    .int(5, facts.modelVersion)
    .text(6, facts.description)
    .message(7, encodeGraph(withOldReductions(graph), facts.notes))
    .message(8, new Message().text(1, "").int(2, EXPORT_OPSET))
    .messages(14, Object.entries(facts.metadata), ([key, value]) => new Message().text(1, key).text(2, value))
    .finish();
}

function encodeGraph(graph: OpenGraph, notes: FileFacts["notes"]): Message {
  const value = (one: OpenValue) => encodeValue(one, notes[one.name]);
  return new Message()
    .messages(1, graph.nodes, encodeNode)
    .text(2, graph.name)
    .messages(5, graph.initializers, encodeInitializer)
    .messages(11, graph.inputs, value)
    .messages(12, graph.outputs, value);
}

function encodeNode({ op, name, inputs, outputs, attrs }: OnnxNode): Message {
  const node = new Message();
  for (const input of inputs) node.text(1, input?.name ?? "");
  for (const output of outputs) node.text(2, output.name);
  return node.text(3, name).text(4, op).messages(5, Object.entries(attrs), encodeAttribute);
}

/** `AttributeProto.AttributeType` */
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

function encodeAttribute([name, value]: [string, OnnxAttr]): Message {
  const attribute = new Message().text(1, name);
  if (typeof value === "number") return attribute.int(3, value).int(20, ATTRIBUTE.int);
  if (typeof value === "string") return attribute.text(4, value).int(20, ATTRIBUTE.string);
  if ("float" in value) return attribute.float(2, value.float).int(20, ATTRIBUTE.float);
  for (const number of value) attribute.int(8, number);
  return attribute.int(20, ATTRIBUTE.ints);
}

function encodeInitializer({ value, bytes }: OnnxInitializer): Message {
  const tensor = new Message();
  for (const length of value.shape) tensor.int(1, length);
  return tensor.int(2, ONNX_TYPES[value.dtype]).text(8, value.name).bytes(9, bytes);
}

function encodeValue({ name, dtype, shape }: OpenValue, note: string | undefined): Message {
  const dimensions = new Message().messages(
    1,
    shape,
    (length) => typeof length === "number" ? new Message().int(1, length) : new Message().text(2, length),
  );
  const tensor = new Message().int(1, ONNX_TYPES[dtype]).message(2, dimensions);
  const value = new Message().text(1, name).message(2, new Message().message(1, tensor));
  return note === undefined ? value : value.text(3, note);
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
