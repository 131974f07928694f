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

/** The aliases by kernel. */
export const ALIASES: { readonly [kernel: string]: Alias } = {
  Conv2D: channelsLast("Conv2D", ["x"]),
  Conv2DBackpropFilter: channelsLast("Conv2DBackpropFilter", ["x", "dy"]),
  Conv2DBackpropInput: channelsLast("Conv2DBackpropInput", ["dy"]),
  /** diag(x)[i, j] = x[i] where i = j: x times the unit matrix. */
  Diag(backend, { x }) {
    const shape = [...x!.shape, ...x!.shape];
    const size = tf.util.sizeFromShape(x!.shape);
    const eye = new Float32Array(size * size);
    for (let i = 0; i < size; i++) eye[i * (size + 1)] = 1;
    const unit = backend.cpu.makeTensorInfo([size, size], "float32", eye);
    const row = backend.call("Reshape", { x: x! }, { shape: [1, size] }) as tf.TensorInfo;
    const square = backend.call("Multiply", { a: unit, b: row }, {}) as tf.TensorInfo;
    return backend.call("Reshape", { x: square }, { shape });
  },
  FlipLeftRight: (backend, { image }) => backend.call("Reverse", { x: image! }, { dims: [2] }),
  /** The mean of integers is that of their float32 values. */
  Mean(backend, { x }, attrs) {
    if (x!.dtype === "float32") return backend.recordPlain("Mean", { x: x! }, attrs);
    const floats = backend.call("Cast", { x: x! }, { dtype: "float32" }) as tf.TensorInfo;
    return backend.recordPlain("Mean", { x: floats }, attrs);
  },
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
