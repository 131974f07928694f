/**
 * Weights of a TensorFlow.js model: `model.json` with the binary files beside it, as `model.save`, `tensorflowjs_converter`
 * and Keras exports write them. Of `model.json` only `weightsManifest` is read; the network itself is not built.
 *
 * | part | what |
 * |---|---|
 * | `weightsManifest` | groups, `[{"paths": ["group1-shard1of1.bin"], "weights": [...]}]` |
 * | `paths` | files in the folder of `model.json`; their bytes follow each other and are one block |
 * | `weights` | `{"name": "dense/kernel", "shape": [2, 3], "dtype": "float32"}`, one after the other, row-major, little-endian |
 * | `quantization` | `{"dtype": "uint8" or "uint16", "min": m, "scale": s}`: value = s q + m; or `{"dtype": "float16"}` |
 *
 * Read: float32, int32, bool, quantized or not. Refused: string and complex64 ({@linkcode UnsupportedError}); paths that
 * lead out of the folder, and files that are longer or shorter than the weights (`SyntaxError`).
 *
 * Format: `weights_manifest` and `io_utils` of TensorFlow.js 4.22, which also wrote what the tests compare with.
 *
 * @module
 */
import { DataError, UnsupportedError } from "../core/errors.ts";
import type { NdArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { receive, type Receiver, type StoredType } from "./arrays.ts";
import { readBytes, withFile } from "./byte_source.ts";

/** Arrays by name. */
export type NamedArrays = { readonly [name: string]: NdArray };

/** A weight as `model.json` describes it. */
interface WeightEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: keyof typeof STORED;
  readonly quantization?: {
    readonly dtype: keyof typeof QUANTIZED;
    readonly min: number;
    readonly scale: number;
  };
}

const STORED = { float32: "float32", int32: "int32", bool: "bool" } as const satisfies Record<
  string,
  StoredType
>;
const QUANTIZED = { uint8: "uint8", uint16: "uint16", float16: "float16" } as const satisfies Record<
  string,
  StoredType
>;

/** A file of the folder, or of a folder below. */
const PLAIN_PATH = /^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[^\\:\0]+$/;

/**
 * Parses the weights of a `model.json`.
 *
 * @param text The file.
 * @param readShard Gives the bytes of a file that it names.
 * @param name What messages call it.
 * @throws {SyntaxError} If it is malformed, or does not fit its files.
 * @throws {UnsupportedError} If a weight has a type that is not listed above.
 */
export function parseTfjsModel(
  text: string,
  readShard: (path: string) => Uint8Array,
  name = "model.json",
): NamedArrays {
  const fail = (rule: string) => new SyntaxError(`Cannot read "${name}" as ${rule}`);
  const tensors: { [name: string]: NdArray } = {};
  for (const group of groupsOf(text, fail)) {
    const { paths, weights } = group;
    const isPlain = Array.isArray(paths) &&
      paths.every((path) => typeof path === "string" && PLAIN_PATH.test(path));
    if (!isPlain) throw fail(`its paths must name files beside it: found ${JSON.stringify(paths)}`);
    if (!Array.isArray(weights)) throw fail("each group must have weights: found none");
    const bytes = joined((paths as string[]).map(readShard));
    let at = 0;
    for (const weight of weights as unknown[]) {
      const entry = checkEntry(weight, name);
      if (Object.hasOwn(tensors, entry.name)) throw fail(`a name appears once: found "${entry.name}" twice`);
      const { array, length } = readWeight(entry, bytes.subarray(at), fail);
      tensors[entry.name] = array;
      at += length;
    }
    if (at !== bytes.length) throw fail(`its files must hold ${at} bytes: found ${bytes.length}`);
  }
  return tensors;
}

type Fail = (rule: string) => SyntaxError;

function groupsOf(
  text: string,
  fail: Fail,
): readonly { readonly paths?: unknown; readonly weights?: unknown }[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw fail(`it must be JSON: found ${JSON.stringify(text.slice(0, 20))}`);
  }
  const groups = (json as { weightsManifest?: unknown } | null)?.weightsManifest;
  if (Array.isArray(groups) && groups.every((group) => group !== null && typeof group === "object")) {
    return groups;
  }
  throw fail("it must have weightsManifest, a list of groups: found none");
}

function checkEntry(value: unknown, file: string): WeightEntry {
  const { name, shape, dtype, quantization } = (value ?? {}) as { [key: string]: unknown };
  const fail = (rule: string) => new SyntaxError(`Cannot read "${file}" as ${rule}`);
  if (typeof name !== "string") throw fail(`a weight has a name: found ${JSON.stringify(name)}`);
  const isShape = Array.isArray(shape) &&
    shape.every((length) => Number.isSafeInteger(length) && length >= 0) &&
    Number.isSafeInteger(sizeOf(shape) * 8);
  if (!isShape) throw fail(`"${name}" must have a shape: found ${JSON.stringify(shape)}`);
  const isRead = typeof dtype === "string" && Object.hasOwn(STORED, dtype);
  if (!isRead) {
    throw new UnsupportedError(
      `Cannot read "${file}" as weights are ${Object.keys(STORED).join(", ")}: "${name}" is ${dtype}`,
      String(dtype),
    );
  }
  if (quantization !== undefined) checkQuantization(name, quantization, file);
  return value as WeightEntry;
}

function checkQuantization(name: string, quantization: unknown, file: string): void {
  const { dtype, min, scale } = (quantization ?? {}) as { [key: string]: unknown };
  const isKnown = typeof dtype === "string" && Object.hasOwn(QUANTIZED, dtype);
  if (isKnown && (dtype === "float16" || (Number.isFinite(min) && Number.isFinite(scale)))) return;
  throw new UnsupportedError(
    `Cannot read "${file}" as quantization is uint8 or uint16 with min and scale, or float16: "${name}" has ${
      JSON.stringify(quantization)
    }`,
    "quantization",
  );
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function readWeight(
  { name, shape, dtype, quantization }: WeightEntry,
  bytes: Uint8Array,
  fail: Fail,
): { readonly array: NdArray; readonly length: number } {
  const stored: StoredType = quantization ? QUANTIZED[quantization.dtype] : STORED[dtype];
  const width = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 }[stored as "float32"];
  const length = sizeOf(shape) * width;
  if (length > bytes.length) {
    throw fail(`its files must hold "${name}", ${length} bytes: found ${bytes.length} left`);
  }
  const target: Receiver = receive(stored, sizeOf(shape), true);
  target.bytes.set(bytes.subarray(0, length));
  const found = target.finish() as Float32Array<ArrayBuffer>;
  if (!quantization || quantization.dtype === "float16") {
    const own = quantization && dtype === "int32" ? Int32Array.from(found) : found;
    return { array: { dtype, shape, data: own } as NdArray, length };
  }
  const { min, scale } = quantization;
  const values = Float64Array.from(found, (level) => level * scale + min);
  const data = dtype === "float32" ? Float32Array.from(values) : Int32Array.from(values, Math.round);
  return { array: { dtype: dtype === "float32" ? dtype : "int32", shape, data } as NdArray, length };
}

/**
 * Reads the weights of a `model.json` and of the files beside it. Without waiting, as `build` cannot wait.
 *
 * @throws {DataError} If it is missing or damaged.
 */
export function readTfjsModel(path: string): NamedArrays {
  const slash = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  const folder = path.slice(0, slash + 1);
  const text = new TextDecoder().decode(readBytes(path));
  return withFile(path, () =>
    parseTfjsModel(text, (shard) => {
      try {
        return readBytes(folder + shard);
      } catch (cause) {
        throw new DataError(
          `Cannot read "${path}" as the files that it names must be readable: ${(cause as Error).message}`,
          path,
          { cause },
        );
      }
    }, path));
}
