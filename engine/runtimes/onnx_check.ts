/**
 * Running an ONNX file that stands on its own, to compare its numbers with a session's.
 *
 * @module
 */
import type { ValueType } from "../program/types.ts";
import type { Tensors } from "./types.ts";

/**
 * Runs a file once, on one thread.
 *
 * @param engine "wasm" runs it on onnxruntime-web, every other engine on onnxruntime-node.
 * @param types Types of the outputs that are wanted.
 *
 * @throws {InternalError} If ONNX Runtime refuses the file or these shapes.
 */
export async function runOnnxFile(
  engine: string,
  onnx: Uint8Array<ArrayBuffer>,
  inputs: Tensors,
  types: { readonly [output: string]: ValueType },
): Promise<Tensors> {
  const ort = engine === "wasm"
    ? await (await import("./wasm/ort_web.ts")).openOrtWeb()
    : await (await import("./native/ort.ts")).openOrt();
  const names = { inputs: Object.keys(inputs), outputs: Object.keys(types) };
  const model = await ort.load(onnx, names, { threads: 1 });
  const given = Object.values(inputs).map(({ dtype, shape, data }) => {
    const tensor = ort.tensor(dtype, shape);
    tensor.data.set(data);
    return tensor;
  });
  const results = Object.values(types).map(({ dtype, shape }) => ort.tensor(dtype, shape));
  try {
    await model.bind(given, results)();
    return Object.fromEntries(names.outputs.map((name, i) => {
      const { dtype, shape, data } = results[i]!;
      return [name, { dtype, shape, data: data.slice() }];
    }));
  } finally {
    await model.dispose();
    for (const tensor of [...given, ...results]) ort.release(tensor);
  }
}
