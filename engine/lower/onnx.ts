/**
 * Graphs to ONNX bytes: the only file that knows the package onnx-proto 8.0.1.
 *
 * Why the package: it is the protobuf schema of ONNX 1.10.2 compiled for protobufjs, which is all that writing a model
 * takes (operator sets are plain numbers in it, so newer ones are fine). What would replace it: a protobuf writer of
 * about 80 lines. It is loaded on first use (25 ms).
 *
 * @module
 */
import type { onnx as Onnx } from "onnx-proto";
import {
  ONNX_TYPES,
  type OnnxAttr,
  type OnnxGraph,
  type OnnxInitializer,
  type OnnxNode,
  type Value,
} from "./builder.ts";

/** Standard operator set: reductions take their axes as an input, `LayerNormalization` is an operator. */
export const OPSET = 18;
/** Version of the file format; 9 is the first that comes with operator set 18 in every reader. */
const IR_VERSION = 9;
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** The bytes of a model file with this graph. `metadata` is stored as key and value texts. */
export async function encodeOnnx(
  graph: OnnxGraph,
  metadata: { readonly [key: string]: string } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { onnx } = (await import("onnx-proto")).default;
  const domains = new Set(graph.nodes.map((node) => splitOperator(node.op).domain));
  domains.delete("");
  const model: Onnx.IModelProto = {
    irVersion: IR_VERSION,
    producerName: "beamline",
    opsetImport: [
      { domain: "", version: OPSET },
      ...[...domains].map((domain) => ({ domain, version: 1 })),
    ],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: graph.name,
      node: graph.nodes.map(encodeNode),
      initializer: graph.initializers.map(encodeInitializer),
      input: graph.inputs.map(encodeValue),
      output: graph.outputs.map(encodeValue),
    },
  };
  return Uint8Array.from(onnx.ModelProto.encode(model).finish());
}

/** "com.microsoft.Gelu" is operator "Gelu" of domain "com.microsoft". */
function splitOperator(op: string): { domain: string; operator: string } {
  const dot = op.lastIndexOf(".");
  return { domain: op.slice(0, Math.max(dot, 0)), operator: op.slice(dot + 1) };
}

function encodeNode(node: OnnxNode): Onnx.INodeProto {
  const { domain, operator } = splitOperator(node.op);
  return {
    name: node.name,
    opType: operator,
    domain,
    input: node.inputs.map((value) => value?.name ?? ""),
    output: node.outputs.map((value) => value.name),
    attribute: Object.entries(node.attrs).map(([name, value]) => encodeAttribute(name, value)),
  };
}

function encodeAttribute(name: string, value: OnnxAttr): Onnx.IAttributeProto {
  if (typeof value === "number") return { name, type: ATTRIBUTE.int, i: value };
  if (typeof value === "string") return { name, type: ATTRIBUTE.string, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: ATTRIBUTE.float, f: value.float };
  return { name, type: ATTRIBUTE.ints, ints: [...value] };
}

function encodeInitializer({ value, bytes }: OnnxInitializer): Onnx.ITensorProto {
  return {
    name: value.name,
    dims: [...value.shape],
    dataType: ONNX_TYPES[value.dtype],
    rawData: bytes,
  };
}

function encodeValue(value: Value): Onnx.IValueInfoProto {
  const dim = value.shape.map((length) => ({ dimValue: length }));
  return { name: value.name, type: { tensorType: { elemType: ONNX_TYPES[value.dtype], shape: { dim } } } };
}
