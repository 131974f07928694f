/**
 * Gradients of kernels that move, select or join elements, where tfjs has none, a wrong or a slow one; see
 * `gradients.ts`.
 *
 * @module
 */
import type { Tensor } from "../../../core/tensor.ts";
import { type Pair, stridedCount } from "../../program/kernels.ts";
import * as tf from "../../tf.ts";
import type { Gradient } from "./images.ts";

/** Undoes a division into parts; tfjs hands over a bare tensor when there is only one. */
export function joined(join: (parts: Tensor[], axis: number) => Tensor): Gradient {
  return {
    gradFunc: (dy, _saved, attrs) => {
      const [slot, axis] = "numOrSizeSplits" in attrs ? ["x", attrs["axis"]] : ["value", attrs["axis"]];
      return { [slot as string]: () => join([dy].flat(), Number(axis ?? 0)) };
    },
  };
}

/** Repetitions add up. */
export const repetition: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, { reps }) {
    const [x] = saved as [Tensor];
    const split: number[] = [];
    const axes: number[] = [];
    (reps as number[]).forEach((count, i) => {
      if (count > 1) axes.push(split.push(count) - 1);
      split.push(x.shape[i]!);
    });
    return { x: () => tf.reshape(tf.sum(tf.reshape(dy as Tensor, split), axes), x.shape) };
  },
};

/** What was mirrored outwards is folded back, one axis after the other. */
export const mirrorPad: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, raw) {
    const [x] = saved as [Tensor];
    const { paddings, mode } = raw as unknown as { paddings: Pair[]; mode: string };
    const skip = mode === "reflect" ? 1 : 0;
    const fold = (folded: Tensor, [before, after]: Pair, axis: number): Tensor => {
      const size = x.shape[axis]!;
      const part = (begin: number, length: number) =>
        tf.slice(
          folded,
          folded.shape.map((_, i) => (i === axis ? begin : 0)),
          folded.shape.with(axis, length),
        );
      const mirrored = (begin: number, length: number, at: number) =>
        tf.pad(
          tf.reverse(part(begin, length), axis),
          folded.shape.map((_, i) => (i === axis ? [at, size - at - length] : [0, 0])),
        );
      let center: Tensor = part(before, size);
      if (before > 0) center = tf.add(center, mirrored(0, before, skip));
      if (after > 0) center = tf.add(center, mirrored(before + size, after, size - after - skip));
      return center;
    };
    return { x: () => paddings.reduce<Tensor>(fold, dy as Tensor) };
  },
};

/** Rows of dy are added to the rows of x that they were taken from; batches lie one after the other. */
export const gather: Gradient = {
  inputsToSave: ["x", "indices"],
  gradFunc(dy, saved, raw) {
    const [x, indices] = saved as [Tensor, Tensor];
    const axis = tf.util.parseAxisParam(Number(raw["axis"] ?? 0), x.shape)[0]!;
    const batchDims = Number(raw["batchDims"] ?? 0);
    const size = x.shape[axis]!;
    const picked = indices.rank - batchDims;
    const order = [
      ...range(0, batchDims),
      ...range(axis, axis + picked),
      ...range(batchDims, axis),
      ...range(axis + picked, (dy as Tensor).rank),
    ];
    const rest = [...x.shape.slice(batchDims, axis), ...x.shape.slice(axis + 1)];
    const batch = x.shape.slice(0, batchDims);
    const batches = tf.util.sizeFromShape(batch);
    const toX = () => {
      const rows = tf.reshape(tf.transpose(dy as Tensor, order), [indices.size, tf.util.sizeFromShape(rest)]);
      const offsets = tf.tensor(range(0, batches).map((i) => i * size), [batches, 1], "int32");
      const ids = tf.add(tf.reshape(indices, [batches, -1]), offsets);
      const sums = tf.unsortedSegmentSum(rows, tf.reshape(ids, [-1]) as tf.Tensor1D, batches * size);
      const outer = axis - batchDims;
      const back = [
        ...range(0, batchDims),
        ...range(batchDims + 1, batchDims + 1 + outer),
        batchDims,
        ...range(batchDims + 1 + outer, x.rank),
      ];
      return tf.transpose(tf.reshape(sums, [...batch, size, ...rest]), back);
    };
    return { x: toX, indices: () => tf.zeros(indices.shape) };
  },
};

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** dy goes back to the places that were read. */
export const gatherNd: Gradient = {
  inputsToSave: ["params", "indices"],
  gradFunc(dy, saved) {
    const [params, indices] = saved as [Tensor, Tensor];
    return {
      params: () => tf.scatterND(indices, dy as Tensor, params.shape as [number]),
      indices: () => tf.zeros(indices.shape),
    };
  },
};

/** dy of the places that were written. */
export const scatterNd: Gradient = {
  inputsToSave: ["indices"],
  gradFunc(dy, saved) {
    const [indices] = saved as [Tensor];
    return { updates: () => tf.gatherND(dy as Tensor, indices), indices: () => tf.zeros(indices.shape) };
  },
};

/** The tensor keeps the dy of the places that were not written. */
export const scatterUpdate: Gradient = {
  inputsToSave: ["indices", "updates"],
  gradFunc(dy, saved) {
    const [indices, updates] = saved as [Tensor, Tensor];
    const shape = (dy as Tensor).shape as [number];
    return {
      tensor: () => {
        const counts = tf.scatterND(indices, tf.ones(updates.shape), shape);
        return tf.mul(dy as Tensor, tf.cast(tf.equal(counts, 0), "float32"));
      },
      indices: () => tf.zeros(indices.shape),
      updates: () => tf.gatherND(dy as Tensor, indices),
    };
  },
};

/** Values get the dy of their places, the default that of all others. */
export const sparseToDense: Gradient = {
  inputsToSave: ["sparseIndices", "sparseValues"],
  gradFunc(dy, saved) {
    const [indices, values] = saved as [Tensor, Tensor];
    const { shape } = dy as Tensor;
    const places = tf.reshape(indices, [-1, shape.length]);
    return {
      sparseIndices: () => tf.zeros(indices.shape),
      sparseValues: () => {
        const found = tf.gatherND(dy as Tensor, places);
        return values.rank === 0 ? tf.sum(found) : found;
      },
      defaultValue: () => {
        const counts = tf.scatterND(places, tf.ones([places.shape[0]!]), shape as [number]);
        return tf.sum(tf.mul(dy as Tensor, tf.cast(tf.equal(counts, 0), "float32")));
      },
    };
  },
};

/** Each dy goes to the position that its value came from. */
export const topK: Gradient = {
  inputsToSave: ["x"],
  outputsToSave: [false, true],
  gradFunc(dy, saved) {
    const [x, indices] = saved as [Tensor, Tensor];
    const [values] = dy as Tensor[];
    const places = tf.cast(tf.oneHot(indices as tf.Tensor1D, x.shape[x.rank - 1]!), "float32");
    return { x: () => tf.sum(tf.mul(tf.expandDims(values!, -1), places), -2) };
  },
};

/** The blocks go back into the channels. */
export const depthToSpace: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, { blockSize }) {
    const [x] = saved as [Tensor];
    const [batch, height, width] = x.shape as [number, number, number];
    const block = Number(blockSize);
    const cells = tf.reshape(dy as Tensor, [batch, height, block, width, block, -1]);
    return { x: () => tf.reshape(tf.transpose(cells, [0, 1, 3, 2, 4, 5]), x.shape) };
  },
};

/** dy with zeros in all places that were not taken. */
export const stridedSlice: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, raw) {
    const [x] = saved as [Tensor];
    const mask = (name: string) => Number(raw[name] ?? 0);
    const { begin, end, strides } = tf.slice_util.sliceInfo(
      x.shape,
      raw["begin"] as number[],
      raw["end"] as number[],
      raw["strides"] as number[],
      mask("beginMask"),
      mask("endMask"),
      mask("ellipsisMask"),
      mask("newAxisMask"),
      mask("shrinkAxisMask"),
    );
    const counts = x.shape.map((size, i) => stridedCount(size, begin[i]!, end[i]!, strides[i]!, false));
    const place = (part: Tensor, stride: number, axis: number): Tensor => {
      const [count, size, step] = [counts[axis]!, x.shape[axis]!, Math.abs(stride)];
      const ordered = stride < 0 ? tf.reverse(part, axis) : part;
      const first = stride < 0 ? begin[axis]! + (count - 1) * stride : begin[axis]!;
      const shape = part.shape;
      const apart = tf.pad(
        tf.reshape(ordered, [...shape.slice(0, axis), count, 1, ...shape.slice(axis + 1)]),
        [...shape, 1].map((_, i) => (i === axis + 1 ? [0, step - 1] : [0, 0])),
      );
      const spaced = tf.reshape(apart, shape.with(axis, count * step));
      const length = (count - 1) * step + 1;
      const cut = tf.slice(spaced, shape.map(() => 0), shape.with(axis, length));
      return tf.pad(cut, shape.map((_, i) => (i === axis ? [first, size - first - length] : [0, 0])));
    };
    return {
      x: () =>
        counts.includes(0) ? tf.zeros(x.shape) : strides.reduce(place, tf.reshape(dy as Tensor, counts)),
    };
  },
};
