/**
 * Kernels that are recorded as other kernels.
 *
 * @module
 */
import { type Kernel, stridedCount } from "../program/kernels.ts";
import * as tf from "../tf.ts";
import type { CpuBackend } from "./internals.ts";
import type { RawAttrs } from "./normalize.ts";

/** Inputs of a kernel call: by slot, or a list. */
export type KernelInputs =
  | { readonly [slot: string]: tf.TensorInfo | undefined }
  | readonly tf.TensorInfo[];

/** What an alias records with. */
export interface AliasTarget {
  readonly cpu: CpuBackend;
  /** Runs or records a kernel, aliases included. */
  call(kernel: string, inputs: KernelInputs, attrs: RawAttrs): tf.TensorInfo | tf.TensorInfo[];
  /** Records a kernel as it is. */
  recordPlain(kernel: Kernel, inputs: KernelInputs, attrs: RawAttrs): tf.TensorInfo | tf.TensorInfo[];
}

type Alias = (
  backend: AliasTarget,
  inputs: { readonly [slot: string]: tf.TensorInfo },
  attrs: RawAttrs,
) => tf.TensorInfo | tf.TensorInfo[];

/** Types that are converted before a kernel sees them. */
type Conversions = { readonly [D in tf.DataType]?: tf.DataType };

/** Functions of integers that tfjs computes in float32. */
const AS_FLOATS: Conversions = { int32: "float32", bool: "float32" };

/** A kernel of which tfjs takes more types than programs do. */
function converted(kernel: Kernel, conversions: Conversions, slots: readonly string[]): Alias {
  return (backend, inputs, attrs) => {
    const convert = (info: tf.TensorInfo): tf.TensorInfo => {
      const dtype = conversions[info.dtype];
      if (dtype === undefined) return info;
      return backend.call("Cast", { x: info }, { dtype }) as tf.TensorInfo;
    };
    const converted = slots.map((slot) => [slot, convert(inputs[slot]!)] as const);
    return backend.recordPlain(kernel, { ...inputs, ...Object.fromEntries(converted) }, attrs);
  };
}

/** The aliases by kernel. */
export const ALIASES: { readonly [kernel: string]: Alias } = {
  ArgMax: converted("ArgMax", { bool: "int32" }, ["x"]),
  ArgMin: converted("ArgMin", { bool: "int32" }, ["x"]),
  Conv2D: channelsLast("Conv2D", ["x"]),
  Conv2DBackpropFilter: channelsLast("Conv2DBackpropFilter", ["x", "dy"]),
  Conv2DBackpropInput: channelsLast("Conv2DBackpropInput", ["dy"]),
  /** diag(x)[i, j] = x[i] where i = j: each x[i] before n zeros; n rows of n + 1 are, but for the end, n + 1 rows of n. */
  Diag(backend, { x }) {
    const shape = [...x!.shape, ...x!.shape];
    const size = tf.util.sizeFromShape(x!.shape);
    const call = (kernel: string, info: tf.TensorInfo, attrs: RawAttrs) =>
      backend.call(kernel, { x: info }, attrs) as tf.TensorInfo;
    // There is no padding of booleans.
    const column = call("Reshape", x!, { shape: [size, 1] });
    const numbers = column.dtype === "bool" ? call("Cast", column, { dtype: "int32" }) : column;
    const rows = call("PadV2", numbers, { paddings: [[0, 0], [0, size]], constantValue: 0 });
    const line = call("Reshape", rows, { shape: [size * (size + 1)] });
    const square = call("Slice", line, { begin: [0], size: [size * size] });
    return call("Cast", call("Reshape", square, { shape }), { dtype: x!.dtype });
  },
  FlipLeftRight: (backend, { image }) => backend.call("Reverse", { x: image! }, { dims: [2] }),
  FusedConv2D: fusedChannelsLast,
  Exp: converted("Exp", AS_FLOATS, ["x"]),
  LeakyRelu: converted("LeakyRelu", AS_FLOATS, ["x"]),
  Mean: converted("Mean", AS_FLOATS, ["x"]),
  Prelu: converted("Prelu", AS_FLOATS, ["x", "alpha"]),
  StridedSlice: stridedSlice,
};

/** A channels-first convolution is a channels-last one between two transpositions. */
function channelsLast(kernel: Kernel, images: readonly string[]): Alias {
  return (backend, inputs, attrs) => {
    if (attrs["dataFormat"] !== "NCHW") return backend.recordPlain(kernel, inputs, attrs);
    const move = (x: tf.TensorInfo, perm: number[]) =>
      backend.call("Transpose", { x }, { perm }) as tf.TensorInfo;
    const last = (list: readonly unknown[]) => [list[0], list[2], list[3], list[1]];
    const moved = Object.fromEntries(
      Object.entries(inputs).map((
        [name, info],
      ) => [name, images.includes(name) ? move(info, [0, 2, 3, 1]) : info]),
    );
    const { pad, inputShape } = attrs as { pad: unknown; inputShape?: number[] };
    const result = backend.recordPlain(kernel, moved, {
      ...attrs,
      dataFormat: "NHWC",
      ...(Array.isArray(pad) ? { pad: last(pad) } : {}),
      ...(inputShape ? { inputShape: last(inputShape) } : {}),
    }) as tf.TensorInfo;
    return kernel === "Conv2DBackpropFilter" ? result : move(result, [0, 3, 1, 2]);
  };
}

/** The bias of a channels-first convolution is a list of channels; its slopes are one too, or have channels first. */
function fusedChannelsLast(
  backend: AliasTarget,
  inputs: { readonly [slot: string]: tf.TensorInfo },
  attrs: RawAttrs,
): tf.TensorInfo | tf.TensorInfo[] {
  const record = channelsLast("FusedConv2D", ["x"]);
  const { preluActivationWeights: slopes } = inputs;
  if (attrs["dataFormat"] !== "NCHW" || slopes?.shape.length !== 3) return record(backend, inputs, attrs);
  const moved = backend.call("Transpose", { x: slopes }, { perm: [1, 2, 0] }) as tf.TensorInfo;
  return record(backend, { ...inputs, preluActivationWeights: moved }, attrs);
}

function stridedSlice(
  backend: AliasTarget,
  { x }: { readonly [slot: string]: tf.TensorInfo },
  attrs: RawAttrs,
): tf.TensorInfo | tf.TensorInfo[] {
  const mask = (name: string) => Number(attrs[name] ?? 0);
  const info = tf.slice_util.sliceInfo(
    x!.shape,
    attrs["begin"] as number[],
    attrs["end"] as number[],
    attrs["strides"] as number[],
    mask("beginMask"),
    mask("endMask"),
    mask("ellipsisMask"),
    mask("newAxisMask"),
    mask("shrinkAxisMask"),
  );
  const counts = x!.shape.map((size, i) =>
    stridedCount(size, info.begin[i]!, info.end[i]!, info.strides[i]!, false)
  );
  let sliced: tf.TensorInfo | tf.TensorInfo[];
  if (info.strides.every((stride) => stride === 1)) {
    sliced = backend.call("Slice", { x: x! }, { begin: info.begin, size: counts });
  } else {
    const isOpen = info.end.map((end) => end < 0);
    sliced = backend.recordPlain("StridedSlice", { x: x! }, {
      begin: info.begin.map((n) => Math.max(0, n)),
      end: info.end.map((n) => Math.max(0, n)),
      strides: info.strides,
      beginMask: 0,
      endMask: isOpen.reduce((bits, open, i) => bits | (Number(open) << i), 0),
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: 0,
    });
  }
  return backend.call("Reshape", { x: sliced as tf.TensorInfo }, { shape: info.finalShape });
}
