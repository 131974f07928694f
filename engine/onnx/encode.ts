/**
 * Graphs to the bytes that an engine loads, and the parts that every ONNX file is made of.
 *
 * @see https://github.com/onnx/onnx/blob/v1.14.0/onnx/onnx.proto for the numbers of the fields.
 *
 * @module
 */
import {
  ONNX_TYPES,
  type OnnxAttr,
  type OnnxDtype,
  type OnnxGraph,
  type OnnxInitializer,
  type OnnxNode,
} from "./builder.ts";
import { Message } from "./protobuf.ts";

/** Standard operator set: reductions take their axes as an input, `LayerNormalization` is an operator. */
export const OPSET = 18;
/** Version of the file format; 9 is the first that comes with operator set 18 in every reader. */
const IR_VERSION = 9;
/** The operator set of any domain but the standard one. */
const OTHER_OPSET = 1;

/** The bytes of a model file with this graph. */
export function encodeOnnx(
  { name, nodes, initializers, inputs, outputs }: OnnxGraph,
): Uint8Array<ArrayBuffer> {
  const graph = encodeGraph(name, nodes, initializers)
    .messages(11, inputs, encodeValue)
    .messages(12, outputs, encodeValue);
  return new Message()
    .int(1, IR_VERSION)
    .text(2, "beamline")
    .message(7, graph)
    .messages(8, operatorSets(nodes, OPSET), (set) => set)
    .finish();
}

/** `GraphProto` without its inputs and outputs, which come last. */
export function encodeGraph(
  name: string,
  nodes: readonly OnnxNode[],
  initializers: readonly OnnxInitializer[],
): Message {
  return new Message().messages(1, nodes, encodeNode).text(2, name).messages(
    5,
    initializers,
    encodeInitializer,
  );
}

/** `OperatorSetIdProto` of the standard operators and of every other domain in use. */
export function operatorSets(nodes: readonly OnnxNode[], standard: number): readonly Message[] {
  const domains = new Set(["", ...nodes.map(({ op }) => splitOperator(op).domain)]);
  return [...domains].map((domain) =>
    new Message().text(1, domain).int(2, domain === "" ? standard : OTHER_OPSET)
  );
}

/** `ValueInfoProto`; a length that is a text is a name for any length. */
export function encodeValue(
  { name, dtype, shape }: {
    readonly name: string;
    readonly dtype: OnnxDtype;
    readonly shape: readonly (number | string)[];
  },
): Message {
  const dimensions = new Message().messages(
    1,
    shape,
    (length) => typeof length === "number" ? new Message().int(1, length) : new Message().text(2, length),
  );
  const tensor = new Message().int(1, ONNX_TYPES[dtype]).message(2, dimensions);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}

/** "com.microsoft.Gelu" is operator "Gelu" of domain "com.microsoft". */
function splitOperator(op: string): { domain: string; operator: string } {
  const dot = op.lastIndexOf(".");
  return { domain: op.slice(0, Math.max(dot, 0)), operator: op.slice(dot + 1) };
}

function encodeNode({ op, name, inputs, outputs, attrs }: OnnxNode): Message {
  const { domain, operator } = splitOperator(op);
  const node = new Message();
  for (const input of inputs) node.text(1, input?.name ?? "");
  for (const output of outputs) node.text(2, output.name);
  return node.text(3, name).text(4, operator).messages(5, Object.entries(attrs), encodeAttribute).text(
    7,
    domain,
  );
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
