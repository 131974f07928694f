/**
 * tfjs's plain JavaScript kernels as programs mean them: where a kernel of the cpu backend passes over NaN, loses digits of
 * integers or reads other cells than it was asked for, it is replaced here. Constants are computed with these while a
 * function is traced, and the engine `reference` replays programs with them, so that a value does not depend on where it
 * was computed. `engine/README.md` lists what differs from tfjs.
 *
 * @module
 */
import * as tf from "../../tf.ts";
import type { CpuBackend } from "../internals.ts";
import type { Kernel } from "../../program/kernels.ts";
import { checkIndices, INDICES } from "./indices.ts";

type Info = tf.TensorInfo;
type Slots = { readonly [slot: string]: Info };
type Attrs = { readonly [name: string]: unknown };
type Numbers = Float32Array | Int32Array | Uint8Array;

/** A call of a kernel of tfjs. */
interface Call {
  readonly inputs: Slots;
  readonly attrs: Attrs;
  readonly cpu: CpuBackend;
}

type Results = Info | Info[];
/** A kernel in place of the one of tfjs, which is `original`. */
type Replacement = (call: Call, original: (inputs: Slots) => Results) => Results;

const numbersOf = (info: Info, cpu: CpuBackend) => cpu.data.get(info.dataId).values as Numbers;

/** Calls a kernel, replaced or not. */
function call(kernel: string, inputs: Slots, attrs: Attrs, cpu: CpuBackend): Results {
  return cpuKernel(kernel)!({ inputs, attrs, cpu });
}

const one = (kernel: string, inputs: Slots, attrs: Attrs, cpu: CpuBackend) =>
  call(kernel, inputs, attrs, cpu) as Info;

/** The tensor with a function applied to all elements. */
function mapped(x: Info, cpu: CpuBackend, f: (value: number) => number): Info {
  return cpu.makeTensorInfo(x.shape, x.dtype, numbersOf(x, cpu).map(f));
}

/** A function of single elements, for tensors of one dtype. */
function ofElements(dtype: string, f: (value: number) => number): Replacement {
  return ({ inputs, cpu }, original) => {
    const x = inputs["x"]!;
    return x.dtype === dtype ? mapped(x, cpu, f) : original(inputs);
  };
}

/** A function of pairs that broadcast, for tensors of one dtype. */
function ofPairs(dtype: string, f: (a: number, b: number) => number, to = dtype): Replacement {
  return ({ inputs, cpu }, original) => {
    if (inputs["a"]!.dtype !== dtype) return original(inputs);
    const shape = tf.backend_util.assertAndGetBroadcastShape(inputs["a"]!.shape, inputs["b"]!.shape);
    const [a, b] = ["a", "b"].map((slot) =>
      numbersOf(one("BroadcastTo", { x: inputs[slot]! }, { shape }, cpu), cpu)
    );
    const size = tf.util.sizeFromShape(shape);
    const values = to === "int32" ? new Int32Array(size) : new Float32Array(size);
    for (let i = 0; i < size; i++) values[i] = f(a![i]!, b![i]!);
    return cpu.makeTensorInfo(shape, to as "int32" | "float32", values);
  };
}

/** 1 where an element is NaN, 0 elsewhere. */
function nanMask(x: Info, cpu: CpuBackend): Info {
  return mapped(x, cpu, (value) => Number(Number.isNaN(value)));
}

/** A maximum of windows or axes that is NaN where one of its elements is. */
const keepingNan: Replacement = ({ inputs, cpu }, original) => {
  const x = inputs["x"]!;
  if (x.dtype !== "float32" || !numbersOf(x, cpu).some(Number.isNaN)) return original(inputs);
  const result = original(inputs) as Info;
  const hasNan = numbersOf(original({ x: nanMask(x, cpu) }) as Info, cpu);
  const values = numbersOf(result, cpu).map((value, i) => (hasNan[i]! > 0 ? NaN : value));
  return cpu.makeTensorInfo(result.shape, "float32", values);
};

/** Padding before and after the rows, columns and so on of an image; the two forms of pools in two and three dimensions. */
function paddingOf(pad: unknown, dimensions: number): readonly (readonly number[])[] {
  if (Array.isArray(pad)) return pad.slice(1, -1) as number[][];
  const amount = typeof pad === "number" ? pad : 0;
  return Array.from({ length: dimensions }, () => [amount, amount]);
}

/** A pool of one cell, which tfjs takes for the identity whenever the shapes agree: strides through the padded image. */
function ofOneCell(ofNone: number, otherwise: Replacement): Replacement {
  return (one, original) => {
    const x = one.inputs["x"]!;
    const { filterSize, strides, pad } = one.attrs as {
      filterSize: number[];
      strides: number[];
      pad: unknown;
    };
    const paddings = [[0, 0], ...paddingOf(pad, filterSize.length), [0, 0]];
    const isPadded = paddings.some(([before, after]) => before! + after! > 0);
    if (!isPadded || filterSize.some((length) => length !== 1)) return otherwise(one, original);
    const padded = call("PadV2", { x }, { paddings, constantValue: ofNone }, one.cpu) as Info;
    const attrs = {
      begin: padded.shape.map(() => 0),
      end: padded.shape,
      strides: [1, ...strides, 1],
      ...{ beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 },
    };
    return call("StridedSlice", { x: padded }, attrs, one.cpu);
  };
}

const asIs: Replacement = ({ inputs }, original) => original(inputs);

/** The position of the first NaN, and without one that of the extreme. */
const firstNan: Replacement = ({ inputs, attrs, cpu }, original) => {
  const x = inputs["x"]!;
  if (x.dtype !== "float32" || !numbersOf(x, cpu).some(Number.isNaN)) return original(inputs);
  const positions = original(inputs) as Info;
  const mask = nanMask(x, cpu);
  const firsts = numbersOf(plain("ArgMax")!({ x: mask }, attrs, cpu) as Info, cpu);
  const axis = tf.util.parseAxisParam(attrs["axis"] as number, x.shape).slice(0, 1);
  const counts = numbersOf(one("Sum", { x: mask }, { axis, keepDims: false }, cpu), cpu);
  const values = numbersOf(positions, cpu).map((position, i) => (counts[i]! > 0 ? firsts[i]! : position));
  return cpu.makeTensorInfo(positions.shape, "int32", values);
};

/** The k largest of each row and their places, where NaN counts as infinite: of equals the first comes first. */
const largest: Replacement = ({ inputs, attrs, cpu }) => {
  const x = inputs["x"]!;
  const [values, length, k] = [numbersOf(x, cpu), x.shape.at(-1)!, Number(attrs["k"])];
  const rank = (value: number) => (Number.isNaN(value) ? Infinity : value);
  const places: number[] = [];
  for (let start = 0; start < values.length; start += length) {
    const row = Array.from(values.subarray(start, start + length), rank);
    // Equal infinities have no difference.
    const order = [...row.keys()].sort((i, j) => (row[i] === row[j] ? i - j : row[j]! - row[i]!));
    for (const place of order.slice(0, k)) places.push(place);
  }
  const shape = x.shape.with(-1, k);
  const found = places.map((place, i) => values[Math.floor(i / k) * length + place]!);
  const array = x.dtype === "float32" ? Float32Array : Int32Array;
  return [
    cpu.makeTensorInfo(shape, x.dtype, array.from(found)),
    cpu.makeTensorInfo(shape, "int32", Int32Array.from(places)),
  ];
};

/** The least number that a window's maximum may start from: what is not above it counts as this. */
export const LOWEST_CELL: number = -3.4028232635611926e38;

/** dy of a window goes to its first largest cell; NaN and -Infinity are smaller than all others. */
const maximumGradient: Replacement = ({ inputs, cpu }, original) => {
  const input = mapped(inputs["input"]!, cpu, (value) => (value >= LOWEST_CELL ? value : LOWEST_CELL));
  return original({ ...inputs, input });
};

/** The same in three dimensions, where tfjs takes the last of equal cells. */
const maximumGradient3d: Replacement = ({ inputs, attrs, cpu }) => {
  const { input, dy } = inputs as { input: Info; dy: Info };
  const info = tf.backend_util.computePool3DInfo(
    input.shape as [number, number, number, number, number],
    attrs["filterSize"] as number,
    attrs["strides"] as number,
    1,
    attrs["pad"] as "same",
  );
  const { front, top, left } = info.padInfo;
  const along = (size: number, window: number, stride: number, before: number) => (place: number) => {
    const start = place * stride - before;
    return [Math.max(0, start), Math.min(size, start + window)] as const;
  };
  const depth = along(info.inDepth, info.filterDepth, info.strideDepth, front);
  const height = along(info.inHeight, info.filterHeight, info.strideHeight, top);
  const width = along(info.inWidth, info.filterWidth, info.strideWidth, left);
  const [cells, given] = [numbersOf(input, cpu), numbersOf(dy, cpu)];
  const dx = new Float32Array(cells.length);
  const { outDepth, outHeight, outWidth, inChannels } = info;
  for (let i = 0; i < given.length; i++) {
    const channel = i % inChannels;
    const place = Math.floor(i / inChannels);
    const batch = Math.floor(place / (outDepth * outHeight * outWidth));
    const [d, h, w] = [
      Math.floor(place / (outHeight * outWidth)) % outDepth,
      Math.floor(place / outWidth) % outHeight,
      place % outWidth,
    ];
    let [best, at] = [-Infinity, -1];
    for (let z = depth(d)[0]; z < depth(d)[1]; z++) {
      for (let y = height(h)[0]; y < height(h)[1]; y++) {
        for (let x = width(w)[0]; x < width(w)[1]; x++) {
          const cell = (((batch * info.inDepth + z) * info.inHeight + y) * info.inWidth + x) * inChannels +
            channel;
          const value = cells[cell]! >= LOWEST_CELL ? cells[cell]! : LOWEST_CELL;
          if (value > best) [best, at] = [value, cell];
        }
      }
    }
    if (at >= 0) dx[at]! += given[i]!;
  }
  return cpu.makeTensorInfo(input.shape, "float32", dx);
};

/** Products, powers and sums of int32 keep the last 32 bits of the exact result. */
function integerPower(base: number, exponent: number): number {
  if (exponent < 0) return base === 1 ? 1 : base === -1 ? (exponent % 2 === 0 ? 1 : -1) : 0;
  let [result, square] = [1, base];
  for (let bits = exponent; bits > 0; bits >>>= 1) {
    if (bits & 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}

/** a^b in floats, by IEEE 754: 1^b = 1 and (-1)^(+-Infinity) = 1, where JavaScript has NaN. */
export function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && Math.abs(b) === Infinity)) return 1;
  return Math.pow(a, b);
}

const powers: Replacement = (one, original) =>
  ofPairs("int32", integerPower)(one, (inputs) => ofPairs("float32", power)({ ...one, inputs }, original));

/** Products of int32 along axes. */
const integerProduct: Replacement = ({ inputs, attrs, cpu }, original) => {
  const x = inputs["x"]!;
  if (x.dtype !== "int32") return original(inputs);
  const axes = tf.util.parseAxisParam(attrs["axis"] as number[], x.shape);
  const order = [...x.shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
  const rows = numbersOf(one("Transpose", { x }, { perm: order }, cpu), cpu);
  const [kept, reduced] = tf.backend_util.computeOutAndReduceShapes(
    order.map((axis) => x.shape[axis]!),
    order.slice(order.length - axes.length).map((_, i) => order.length - axes.length + i),
  );
  const count = tf.util.sizeFromShape(reduced);
  const values = Int32Array.from({ length: tf.util.sizeFromShape(kept) }, (_, i) => {
    let product = 1;
    for (let j = 0; j < count; j++) product = Math.imul(product, rows[i * count + j]!);
    return product;
  });
  const shape = attrs["keepDims"] ? tf.backend_util.expandShapeToKeepDim(kept, axes) : kept;
  return cpu.makeTensorInfo(shape, "int32", values);
};

/** Running products of int32 along one axis. */
const integerProducts: Replacement = ({ inputs, attrs, cpu }, original) => {
  const x = inputs["x"]!;
  if (x.dtype !== "int32") return original(inputs);
  const axis = tf.util.parseAxisParam(attrs["axis"] as number, x.shape)[0]!;
  const inner = tf.util.sizeFromShape(x.shape.slice(axis + 1));
  const length = x.shape[axis]!;
  const values = numbersOf(x, cpu);
  const results = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const place = Math.floor(i / inner) % length;
    if (place > 0) continue;
    let product = 1;
    for (let j = 0; j < length; j++) {
      const at = i + (attrs["reverse"] ? length - 1 - j : j) * inner;
      const next = Math.imul(product, values[at]!);
      results[at] = attrs["exclusive"] ? product : next;
      product = next;
    }
  }
  return cpu.makeTensorInfo(x.shape, "int32", results);
};

/** Rows added up by segment; ids outside are dropped. tfjs multiplies all rows by 0 or 1, which spreads NaN. */
const segmentSum: Replacement = ({ inputs, attrs, cpu }, original) => {
  const { x, segmentIds } = inputs as { x: Info; segmentIds: Info };
  if (x.dtype !== "float32" || !numbersOf(x, cpu).some((value) => !Number.isFinite(value))) {
    return original(inputs);
  }
  const [ids, values, count] = [numbersOf(segmentIds, cpu), numbersOf(x, cpu), Number(attrs["numSegments"])];
  const shape = [count, ...x.shape.slice(segmentIds.shape.length)];
  const size = tf.util.sizeFromShape(shape.slice(1));
  const sums = new Float32Array(count * size);
  ids.forEach((id, row) => {
    if (id < 0 || id >= count) return;
    for (let i = 0; i < size; i++) sums[id * size + i]! += values[row * size + i]!;
  });
  return cpu.makeTensorInfo(shape, "float32", sums);
};

/** A kernel that reads or writes at indices, which are checked. */
function checked(kernel: Kernel): Replacement {
  return ({ inputs, attrs, cpu }, original) => {
    const shapes = Object.fromEntries(Object.entries(inputs).map(([slot, { shape }]) => [slot, shape]));
    checkIndices(kernel, shapes, attrs, numbersOf(inputs[INDICES[kernel]!.slot]!, cpu));
    return original(inputs);
  };
}

/** tfjs's kernel writes into its first operand, which others may still read. */
const scatterUpdate: Replacement = (one, original) => {
  const tensor = mapped(one.inputs["tensor"]!, one.cpu, (value) => value);
  return checked("TensorScatterUpdate")(one, (inputs) => original({ ...inputs, tensor }));
};

/** The quotient of floats as int32; beyond 2^62 it has no last bits to speak of, and is 0. */
const floorQuotient = ofPairs(
  "float32",
  (a, b) => (Math.abs(a / b) > 2 ** 62 ? 0 : Math.floor(a / b)),
  "int32",
);

/** Boxes of images that are not there are 0; tfjs reads what lies before the first image. */
const crop: Replacement = ({ inputs, cpu }, original) => {
  const none = inputs["image"]!.shape[0]!;
  return original({
    ...inputs,
    boxInd: mapped(inputs["boxInd"]!, cpu, (index) => (index < 0 ? none : index)),
  });
};

/** One image after the other: tfjs reads dy of later images at the offset of x. */
const imageByImage: Replacement = ({ inputs, cpu }, original) => {
  const { images, dy } = inputs as { images: Info; dy: Info };
  const results = Array.from({ length: images.shape[0]! }, (_, i) => {
    const [x, d] = [images, dy].map((info) => {
      const [begin, size] = [[i, 0, 0, 0], [1, ...info.shape.slice(1)]];
      return one("Slice", { x: info }, { begin, size }, cpu);
    });
    return numbersOf(original({ images: x!, dy: d! }) as Info, cpu) as Float32Array;
  });
  return cpu.makeTensorInfo(
    images.shape,
    "float32",
    Float32Array.from(results.flatMap((result) => [...result])),
  );
};

/** Stacks of matrices broadcast as in numpy; tfjs mixes them up where both sides do. */
const stacked: Replacement = ({ inputs, cpu }, original) => {
  const { a, b } = inputs as { a: Info; b: Info };
  const stacks = [a, b].map(({ shape }) => shape.slice(0, -2));
  const shape = tf.backend_util.assertAndGetBroadcastShape(stacks[0]!, stacks[1]!);
  if (stacks.some((stack) => tf.util.sizeFromShape(stack) === tf.util.sizeFromShape(shape))) {
    return original(inputs);
  }
  const full = (x: Info) => one("BroadcastTo", { x }, { shape: [...shape, ...x.shape.slice(-2)] }, cpu);
  return original({ a: full(a), b: full(b) });
};

/** Of no elements all are true; tfjs takes the one that is not there for false. */
const all: Replacement = ({ inputs, cpu }, original) => {
  const result = original(inputs) as Info;
  return tf.util.sizeFromShape(inputs["x"]!.shape) > 0 ? result : mapped(result, cpu, () => 1);
};

/** The kernels that are replaced, by name. */
const REPLACEMENTS: { readonly [kernel: string]: Replacement } = {
  Abs: ofElements("int32", (x) => Math.abs(x) | 0),
  All: all,
  ArgMax: firstNan,
  ArgMin: firstNan,
  AvgPool: ofOneCell(NaN, asIs),
  AvgPool3D: ofOneCell(0, asIs),
  BatchMatMul: stacked,
  BroadcastTo: ({ inputs, attrs, cpu }) => {
    const wanted = attrs["shape"] as readonly number[];
    const x = inputs["x"]!;
    const shape = [...wanted.slice(x.shape.length).map(() => 1), ...x.shape];
    const reps = wanted.map((length, i) => (shape[i] === length ? 1 : length));
    return call("Tile", { x: { ...x, shape } }, { reps }, cpu);
  },
  CropAndResize: crop,
  Cumprod: integerProducts,
  FloorDiv: floorQuotient,
  GatherNd: checked("GatherNd"),
  GatherV2: checked("GatherV2"),
  Max: keepingNan,
  MaxPool: ofOneCell(-Infinity, keepingNan),
  MaxPool3D: ofOneCell(-Infinity, keepingNan),
  MaxPool3DGrad: maximumGradient3d,
  MaxPoolGrad: maximumGradient,
  Multiply: ofPairs("int32", Math.imul),
  Pow: powers,
  Prod: integerProduct,
  ResizeNearestNeighborGrad: imageByImage,
  ScatterNd: checked("ScatterNd"),
  Sign: ofElements("float32", Math.sign),
  SparseToDense: checked("SparseToDense"),
  Square: ofElements("int32", (x) => Math.imul(x, x)),
  SquaredDifference: ofPairs("int32", (a, b) => Math.imul(a - b, a - b)),
  TensorScatterUpdate: scatterUpdate,
  TopK: largest,
  UnsortedSegmentSum: segmentSum,
};

/** How a kernel is called. */
export type CpuKernel = (call: Call) => Results;

/** tfjs's own kernel. */
function plain(kernel: string): ((inputs: Slots, attrs: Attrs, cpu: CpuBackend) => Results) | undefined {
  const config = tf.getKernel(kernel, "cpu");
  if (!config) return undefined;
  return (inputs, attrs, cpu) =>
    config.kernelFunc({
      inputs: inputs as tf.NamedTensorInfoMap,
      attrs: attrs as unknown as tf.NamedAttrMap,
      backend: cpu,
    });
}

/** The kernel of that name in plain JavaScript; undefined where tfjs has none. */
export function cpuKernel(kernel: string): CpuKernel | undefined {
  const original = plain(kernel);
  const replacement = Object.hasOwn(REPLACEMENTS, kernel) ? REPLACEMENTS[kernel] : undefined;
  if (!replacement) return original && (({ inputs, attrs, cpu }) => original(inputs, attrs, cpu));
  return (call) => replacement(call, (inputs) => original!(inputs, call.attrs, call.cpu));
}
