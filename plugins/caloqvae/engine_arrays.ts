/**
 * Arrays as programs take them.
 *
 * @module
 */
import type { NdArray } from "beamline";

/** Numbers in float32; those that are not are rounded. */
export function float32(
  shape: readonly number[],
  data: Float64Array | Float32Array<ArrayBuffer>,
): NdArray<"float32"> {
  return { dtype: "float32", shape, data: data instanceof Float32Array ? data : new Float32Array(data) };
}

/** A column of ones. */
export function ones(rows: number): NdArray<"float32"> {
  return float32([rows, 1], new Float32Array(rows).fill(1));
}
