/**
 * Indices that must lie inside of a tensor. tfjs checks some of them, and of tuples only where they lead in all; ONNX
 * Runtime counts negative ones from the end. In programs every index must be at least 0 and below the length of its axis:
 * known ones are checked while tracing, all others when the program runs.
 *
 * @module
 */
import type { Kernel } from "../../program/kernels.ts";

/** Shapes by slot. */
type Shapes = { readonly [slot: string]: readonly number[] };
type Attrs = { readonly [name: string]: unknown };

/** Where a kernel has indices, and the lengths of the axes that they count along. */
interface Indices {
  readonly slot: string;
  /** One length: each number is an index; several: the last axis holds tuples of them. */
  lengths(shapes: Shapes, attrs: Attrs): readonly number[];
}

/** The axes that tuples in the last axis of a slot count along. */
const leading = (of: readonly number[], tuples: readonly number[]) => of.slice(0, tuples.at(-1) ?? 1);

/** The kernels that read or write at indices. */
export const INDICES: { readonly [K in Kernel]?: Indices } = {
  GatherNd: { slot: "indices", lengths: ({ params, indices }) => leading(params!, indices!) },
  GatherV2: {
    slot: "indices",
    lengths: ({ x }, { axis }) => [x!.at(Number(axis ?? 0))!],
  },
  ScatterNd: {
    slot: "indices",
    lengths({ indices }, { shape }) {
      const sizes = Array.from(shape as ArrayLike<number>);
      return indices!.length === 1 ? sizes.slice(0, 1) : leading(sizes, indices!);
    },
  },
  SparseToDense: {
    slot: "sparseIndices",
    lengths: (_, { outputShape }) => Array.from(outputShape as number[]),
  },
  TensorScatterUpdate: { slot: "indices", lengths: ({ tensor, indices }) => leading(tensor!, indices!) },
};

/**
 * Checks the indices of a call.
 *
 * @throws {RangeError} If an index is negative, or not below the length of its axis.
 */
export function checkIndices(kernel: Kernel, shapes: Shapes, attrs: Attrs, indices: ArrayLike<number>): void {
  const lengths = INDICES[kernel]!.lengths(shapes, attrs);
  if (lengths.length === 0) return;
  for (let i = 0; i < indices.length; i++) {
    const [index, length] = [indices[i]!, lengths[i % lengths.length]!];
    if (index >= 0 && index < length) continue;
    throw new RangeError(
      `Cannot compute "${kernel}" as indices along an axis of length ${length} must lie in 0 to ${
        length - 1
      }: found ${index} at position ${i}`,
    );
  }
}
