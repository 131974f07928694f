/**
 * Pooling and resizing of channels-last images, with gradients.
 *
 * @module
 */
import { type Padding2d, type Padding3d, type Pair, slide2d, slide3d, type Triple } from "./conv.ts";
import {
  is,
  type KernelRule,
  must,
  mustBeFloat,
  mustBeNumber,
  mustHaveRank,
  oneOf,
  type Rules,
  sameShape,
  slot,
  typed,
} from "./rule.ts";
import { batchSharding, notSharded } from "./placements.ts";
import type { Linear, Traits } from "./traits.ts";

interface Pool2dAttrs {
  readonly filterSize: Pair;
  readonly strides: Pair;
  /** Padding cells count neither in the maximum nor in the average. */
  readonly pad: Padding2d;
}

interface Pool3dAttrs {
  readonly filterSize: Triple;
  readonly strides: Triple;
  readonly pad: Padding3d;
}

interface ResizeAttrs {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
  readonly size: Pair;
}

interface ResizeGradAttrs {
  readonly alignCorners: boolean;
}

interface CropAttrs {
  readonly cropSize: Pair;
  readonly method: "bilinear" | "nearest";
  /** What is outside of the image. */
  readonly extrapolationValue: number;
}

/** Attributes of pooling and resizing. */
export interface PoolAttrs {
  AvgPool: Pool2dAttrs;
  AvgPoolGrad: Pool2dAttrs;
  AvgPool3D: Pool3dAttrs;
  AvgPool3DGrad: Pool3dAttrs;
  CropAndResize: CropAttrs;
  MaxPool: Pool2dAttrs;
  MaxPoolGrad: Pool2dAttrs;
  MaxPool3D: Pool3dAttrs;
  MaxPool3DGrad: Pool3dAttrs;
  ResizeBilinear: ResizeAttrs;
  ResizeBilinearGrad: ResizeGradAttrs;
  ResizeNearestNeighbor: ResizeAttrs;
  ResizeNearestNeighborGrad: ResizeGradAttrs;
}

const checks2d = { filterSize: is.pair, strides: is.pair, pad: is.padding2d };
const checks3d = { filterSize: is.triple, strides: is.triple, pad: is.padding3d };
const ONE: Pair = [1, 1];
const ONES: Triple = [1, 1, 1];

/** Traits of a kernel that works on windows of images. */
function ofWindows(images: readonly number[], linear: Linear): Traits<unknown> {
  return { kind: { is: "window" }, linear, unchanged: "never", sharding: batchSharding(images) };
}

const pool2d = (linear: Linear): KernelRule<Pool2dAttrs> => ({
  inputs: ["x"],
  attrs: checks2d,
  infer(inputs, attrs) {
    const x = slot(inputs, 0);
    mustBeFloat(x);
    mustHaveRank(x, 4);
    return [typed("float32", slide2d(x.shape, attrs.filterSize, attrs, ONE, x.shape[3]!))];
  },
  traits: ofWindows([0], linear),
});

const pool3d = (linear: Linear): KernelRule<Pool3dAttrs> => ({
  inputs: ["x"],
  attrs: checks3d,
  infer(inputs, { filterSize, strides, pad }) {
    const x = slot(inputs, 0);
    mustBeFloat(x);
    mustHaveRank(x, 5);
    return [typed("float32", slide3d(x.shape, filterSize, strides, ONES, pad, x.shape[4]!))];
  },
  traits: ofWindows([0], linear),
});

/** `forward` sees the input; `dy` (and the output, for maxima) must have the type that it gives. */
function gradient<A>(forward: KernelRule<A>, slots: readonly string[]): KernelRule<A> {
  return {
    inputs: slots,
    attrs: forward.attrs,
    infer(inputs, attrs) {
      const input = slot(inputs, 1);
      const [out] = forward.infer([input], attrs);
      for (const i of [0, 2].slice(0, slots.length - 1)) {
        const type = slot(inputs, i);
        mustBeFloat(type);
        must(sameShape(type.shape, out!.shape), "dy must have the shape of the output", type, out!);
      }
      return [input];
    },
    traits: ofWindows([...slots.keys()], [0]),
  };
}

const resize: KernelRule<ResizeAttrs> = {
  inputs: ["images"],
  attrs: { alignCorners: is.boolean, halfPixelCenters: is.boolean, size: is.pair },
  infer(inputs, { size }) {
    const x = slot(inputs, 0);
    mustBeNumber(x);
    mustHaveRank(x, 4);
    return [typed(x.dtype, [x.shape[0]!, ...size, x.shape[3]!])];
  },
  traits: ofWindows([0], "jointly"),
};

const resizeGradient: KernelRule<ResizeGradAttrs> = {
  inputs: ["images", "dy"],
  attrs: { alignCorners: is.boolean },
  infer(inputs) {
    const [images, dy] = [slot(inputs, 0), slot(inputs, 1)];
    mustBeFloat(images, dy);
    mustHaveRank(images, 4);
    mustHaveRank(dy, 4);
    must(
      images.shape[0] === dy.shape[0] && images.shape[3] === dy.shape[3],
      "batch and channels must agree",
      images,
      dy,
    );
    return [images];
  },
  traits: ofWindows([0, 1], [1]),
};

const crop: KernelRule<CropAttrs> = {
  inputs: ["image", "boxes", "boxInd"],
  attrs: { cropSize: is.pair, method: oneOf("bilinear", "nearest"), extrapolationValue: is.number },
  infer(inputs, { cropSize }) {
    const [image, boxes, boxInd] = [slot(inputs, 0), slot(inputs, 1), slot(inputs, 2)];
    mustBeNumber(image);
    mustHaveRank(image, 4);
    mustBeFloat(boxes);
    must(boxInd.dtype === "int32", "boxInd must be int32", boxInd);
    const [count] = boxes.shape;
    must(
      boxes.shape.length === 2 && boxes.shape[1] === 4 && sameShape(boxInd.shape, [count!]),
      "there must be four numbers and one image per box",
      boxes,
      boxInd,
    );
    return [typed("float32", [count!, ...cropSize, image.shape[3]!])];
  },
  traits: {
    kind: { is: "window" },
    linear: [],
    unchanged: "never",
    sharding: notSharded("boxes of one shard may lie in images of another"),
  },
};

const [average2d, average3d] = [pool2d("jointly"), pool3d("jointly")];
const [maximum2d, maximum3d] = [pool2d([]), pool3d([])];

/** Rules of pooling and resizing. */
export const pools: Rules<PoolAttrs> = {
  AvgPool: average2d,
  AvgPoolGrad: gradient(average2d, ["dy", "input"]),
  AvgPool3D: average3d,
  AvgPool3DGrad: gradient(average3d, ["dy", "input"]),
  CropAndResize: crop,
  MaxPool: maximum2d,
  MaxPoolGrad: gradient(maximum2d, ["dy", "input", "output"]),
  MaxPool3D: maximum3d,
  MaxPool3DGrad: gradient(maximum3d, ["dy", "input", "output"]),
  /** The result is float32, whatever the image is. */
  ResizeBilinear: {
    ...resize,
    infer: (inputs, attrs) => [typed("float32", resize.infer(inputs, attrs)[0]!.shape)],
  },
  ResizeBilinearGrad: resizeGradient,
  ResizeNearestNeighbor: resize,
  ResizeNearestNeighborGrad: resizeGradient,
};
