/**
 * Random programs over the kernel table. Element-by-element kernels and reductions are drawn by their traits, so that a new
 * one is drawn by itself; what needs a domain, indices or attributes has a maker here.
 *
 * All numbers stay within [-1, 1], so that depth does not amplify rounding; kernels that jump (comparisons, positions,
 * rounding) work on values that are the same bits on every engine: inputs, and inputs that were only moved.
 *
 * @module
 */
import { sizeOf } from "../../core/types.ts";
import {
  broadcastShapes,
  type Kernel,
  type KernelAttrs,
  KERNELS,
  ruleOf,
} from "../../engine/program/kernels.ts";
import type { Program, ValueType } from "../../engine/program/types.ts";
import type { Tensor, Tensors } from "../../engine/runtimes/types.ts";
import { booleans, integers, numbers, ProgramBuilder } from "./harness.ts";

/** A program with numbers for its inputs and state. */
export interface RandomProgram {
  readonly program: Program;
  readonly inputs: Tensors;
  readonly state: Tensors;
  /** Kernels that it holds. */
  readonly kernels: ReadonlySet<string>;
}

/** Applied makers, each of one to six kernels. */
const MAKERS_EACH = 24;
/** Larger values are not made: tfjs's kernels are slow. */
const MOST_ELEMENTS = 600;

/** A float32 value to choose from. */
interface Entry {
  readonly id: number;
  /** The same bits on every engine. */
  readonly isExact: boolean;
}

/** A new value, or undefined where the shape does not fit. */
type Unary = (c: Composer, x: number, shape: readonly number[]) => number | undefined;
type Binary = (c: Composer, a: number, b: number) => number;

/** A random program; equal seeds give equal programs. */
export function randomProgram(seed: number): RandomProgram {
  return new Composer(seed).compose();
}

/** Composes one program. */
class Composer {
  readonly builder: ProgramBuilder;
  readonly inputs: { [name: string]: Tensor } = {};
  readonly state: { [name: string]: Tensor } = {};
  readonly kernels = new Set<string>();
  readonly #pool: Entry[] = [];
  readonly #states: { readonly name: string; readonly shape: string }[] = [];
  #random: number;

  constructor(readonly seed: number) {
    this.builder = new ProgramBuilder(`random ${seed}`);
    this.#random = seed;
  }

  compose(): RandomProgram {
    for (const shape of [[4, 3], [3], [4, 1], [2, 4, 3], [], [2, 5, 6, 3], [2, 6, 4, 2]]) {
      this.#pool.push({ id: this.fresh(shape), isExact: true });
    }
    for (let made = 0; made < MAKERS_EACH;) {
      const entry = this.#make();
      if (entry === undefined || sizeOf(this.shape(entry.id)) > MOST_ELEMENTS) continue;
      this.#pool.push(entry);
      made++;
    }
    this.#pool.slice(-8).forEach(({ id }, i) => this.builder.output(`y${i}`, id));
    for (const { name, shape } of this.#states) {
      const alike = this.#pool.filter(({ id }) => String(this.shape(id)) === shape);
      this.builder.update(name, this.pick(alike).id);
    }
    const { inputs, state, kernels } = this;
    return { program: this.builder.program(), inputs, state, kernels };
  }

  /** A number in [0, 1) (mulberry32). */
  random(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** 0, ..., bound - 1 */
  below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  shape(id: number): readonly number[] {
    return this.builder.shape(id);
  }

  nodes<K extends Kernel>(kernel: K, inputs: readonly (number | null)[], attrs: KernelAttrs[K]): number[] {
    this.kernels.add(kernel);
    return this.builder.nodes(kernel, inputs, attrs);
  }

  node<K extends Kernel>(kernel: K, inputs: readonly (number | null)[], attrs: KernelAttrs[K]): number {
    return this.nodes(kernel, inputs, attrs)[0]!;
  }

  /** A kernel without attributes. */
  plain(kernel: Kernel, ...inputs: number[]): number {
    return this.node(kernel, inputs, {} as never);
  }

  scale(id: number, factor: number): number {
    return this.plain("Multiply", id, this.builder.scalar(factor));
  }

  /** |x| + c */
  above(id: number, least: number): number {
    return this.plain("Add", this.plain("Abs", id), this.builder.scalar(least));
  }

  float(id: number): number {
    return this.node("Cast", [id], { dtype: "float32" });
  }

  /** New numbers in [-most, most]: an input, a state or a constant. */
  fresh(shape: readonly number[], most = 1): number {
    const tensor = numbers(shape, -most, most, this.below(1000));
    const kind = this.below(3);
    if (kind === 0) return this.builder.constant([...tensor.data] as number[], tensor);
    return this.#given(tensor, kind === 1);
  }

  /** New integers from 0 up to `bound`. */
  indices(shape: readonly number[], bound: number): number {
    return this.#given(integers(shape, 0, bound, this.below(1000)), false);
  }

  flags(shape: readonly number[]): number {
    return this.#given(booleans(shape, this.below(1000)), false);
  }

  #given(tensor: Tensor, isState: boolean): number {
    if (isState) {
      const name = `s${Object.keys(this.state).length}`;
      this.state[name] = tensor;
      this.#states.push({ name, shape: String(tensor.shape) });
      const id = this.builder.state(name, tensor);
      this.#pool.push({ id, isExact: true });
      return id;
    }
    const name = `x${Object.keys(this.inputs).length}`;
    this.inputs[name] = tensor;
    return this.builder.input(name, tensor);
  }

  #make(): Entry | undefined {
    const kind = this.random();
    if (kind < 0.3) return this.#unary(SMOOTH, false);
    if (kind < 0.4) return this.#unary(JUMPING, true);
    if (kind < 0.6) return this.#unary(MOVING, false, true);
    if (kind < 0.75) return this.#pair();
    return this.#unary(STRUCTURED, false);
  }

  #unary(table: Maker<Unary>, onExact: boolean, staysExact = false): Entry | undefined {
    const entry = this.pick(onExact ? this.#pool.filter(({ isExact }) => isExact) : this.#pool);
    const id = this.pick(Object.values(table))(this, entry.id, this.shape(entry.id));
    // What jumps on exact values gives exact values, but for the scales that bring them into the range.
    return id === undefined ? undefined : { id, isExact: staysExact && entry.isExact };
  }

  #pair(): Entry {
    const a = this.pick(this.#pool);
    const fitting = this.#pool.filter(({ id }) => {
      try {
        return sizeOf(broadcastShapes(this.shape(a.id), this.shape(id))) <= MOST_ELEMENTS;
      } catch {
        return false;
      }
    });
    const id = this.pick(Object.values(PAIRS))(this, a.id, this.pick(fitting).id);
    return { id, isExact: false };
  }
}

const half = (kernel: Kernel, factor = 0.5): Unary => (c, x) => c.scale(c.plain(kernel, x), factor);
const same = (kernel: Kernel): Unary => (c, x) => c.plain(kernel, x);
const inside = (kernel: Kernel, factor = 1): Unary => (c, x) =>
  c.scale(c.plain(kernel, c.scale(x, 0.5)), factor);
const away = (kernel: Kernel, least: number, factor = 1): Unary => (c, x) =>
  c.scale(c.plain(kernel, c.above(x, least)), factor);

type Maker<M> = { readonly [K in Kernel]?: M };

/** A maker for each of some kernels. */
function makers<M>(kernels: readonly Kernel[], make: (kernel: Kernel) => M): Maker<M> {
  return Object.fromEntries(kernels.map((kernel) => [kernel, make(kernel)]));
}

/** Kernels of a kind that take tensors of one dtype, so many and nothing else, and give one of another dtype. */
function kernelsOf(
  is: "elementwise" | "reduction",
  slots: number,
  given: ValueType["dtype"],
  result: ValueType["dtype"],
): readonly Kernel[] {
  const x: ValueType = { dtype: given, shape: [] };
  return (Object.keys(KERNELS) as Kernel[]).filter((kernel) => {
    const { inputs, traits, infer, attrs } = ruleOf(kernel);
    const isPlain = traits.kind.is === "reduction" || Object.keys(attrs).length === 0;
    if (traits.kind.is !== is || inputs.length !== slots || inputs === "variadic" || !isPlain) return false;
    try {
      const noAxes = Object.fromEntries(
        Object.keys(attrs).map((name) => [name, name === "keepDims" ? false : []]),
      );
      return infer(Array(slots).fill(x), noAxes)[0]!.dtype === result;
    } catch {
      return false;
    }
  });
}

const [COMPARISONS, ANY_PAIRS] = [
  kernelsOf("elementwise", 2, "float32", "bool"),
  kernelsOf("elementwise", 2, "float32", "float32"),
];

/** Kernels that jump on the way from number to number: for values that are equal on every engine. */
const STEPS: readonly Kernel[] = ["Ceil", "Floor", "Round", "Sign"];

/** Kernels of one value without jumps; factors bring results back into [-1, 1]. */
const SMOOTH: Maker<Unary> = {
  ...makers(
    kernelsOf("elementwise", 1, "float32", "float32").filter((kernel) => !STEPS.includes(kernel)),
    same,
  ),
  Acos: inside("Acos", 0.4),
  Acosh: away("Acosh", 1.5, 0.6),
  // With a scalar; passes drop the neutral ones.
  Add: (c, x) => c.plain("Add", x, c.builder.scalar(c.pick([0, -0.5]))),
  AddN: (c, x) => c.scale(c.node("AddN", [x, x, x], {}), 1 / 3),
  Asin: inside("Asin"),
  Atanh: inside("Atanh"),
  ClipByValue: (c, x) =>
    c.node("ClipByValue", [x], { clipValueMin: -0.5, clipValueMax: c.pick([0.3, 1, 2]) }),
  Cosh: half("Cosh", 0.6),
  Exp: half("Exp", 0.36),
  Expm1: half("Expm1"),
  LeakyRelu: (c, x) => c.node("LeakyRelu", [x], { alpha: 0.2 }),
  Log: away("Log", 1),
  Log1p: (c, x) => c.plain("Log1p", c.plain("Abs", x)),
  Multiply: (c, x) => c.scale(x, c.pick([1, -1, 0.5, 0])),
  RealDiv: (c, x) => c.plain("RealDiv", x, c.builder.scalar(c.pick([1, 2, 3]))),
  Reciprocal: away("Reciprocal", 1),
  Rsqrt: away("Rsqrt", 1),
  Selu: half("Selu"),
  Sinh: half("Sinh", 0.8),
  Softplus: half("Softplus", 0.7),
  Sqrt: away("Sqrt", 0.1, 0.9),
  Tan: inside("Tan"),
};

/** Two values of one shape: x and another that was made from it by moving. */
const mirrored = (c: Composer, x: number, shape: readonly number[]) =>
  c.node("Reverse", [x], { dims: shape.map((_, i) => i) });
const compared = (kernel: Kernel): Unary => (c, x, shape) =>
  c.float(c.plain(kernel, x, mirrored(c, x, shape)));
const position = (kernel: "ArgMax" | "ArgMin"): Unary => (c, x, shape) => {
  if (shape.length === 0) return undefined;
  const axis = c.below(shape.length);
  return c.scale(c.float(c.node(kernel, [x], { axis })), 1 / shape[axis]!);
};
const logical = (kernel: Kernel): Unary => (c, x, shape) =>
  c.float(c.plain(kernel, c.plain("Greater", x, c.builder.scalar(0)), c.flags(shape)));
const flagged = (kernel: Kernel): Unary => (c, x) => c.float(c.plain(kernel, x));
const reducedFlags = (kernel: Kernel): Unary => (c, x, shape) =>
  shape.length === 0 ? undefined : c.float(
    c.node(kernel as "All", [c.plain("Less", x, c.builder.scalar(0.5))], {
      axis: [c.below(shape.length)],
      keepDims: c.below(2) === 1,
    }),
  );
const ofIntegers = (kernel: "FloorDiv" | "Mod"): Unary => (c, _x, shape) => {
  const result = c.plain(
    kernel,
    c.indices(shape, 9),
    c.plain("Add", c.indices(shape, 4), c.builder.constant([1], { dtype: "int32", shape: [] })),
  );
  return c.scale(c.float(result), 1 / 9);
};

/** Kernels that jump, for values that are equal on every engine. */
const JUMPING: Maker<Unary> = {
  ...makers(STEPS, same),
  ...makers(COMPARISONS, compared),
  ...makers(kernelsOf("elementwise", 1, "float32", "bool"), flagged),
  ...makers(
    kernelsOf("elementwise", 2, "bool", "bool").filter((kernel) =>
      !COMPARISONS.includes(kernel) && !ANY_PAIRS.includes(kernel)
    ),
    logical,
  ),
  ...makers(kernelsOf("reduction", 1, "bool", "bool"), reducedFlags),
  ArgMax: position("ArgMax"),
  ArgMin: position("ArgMin"),
  FloorDiv: ofIntegers("FloorDiv"),
  LogicalNot: (c, x) => c.float(c.plain("LogicalNot", c.plain("Greater", x, c.builder.scalar(0.1)))),
  Mod: ofIntegers("Mod"),
  Select: (c, x, shape) =>
    c.plain("Select", c.plain("Greater", x, c.builder.scalar(0)), x, mirrored(c, x, shape)),
  Step: (c, x) => c.node("Step", [x], { alpha: c.pick([0, 0.3]) }),
  TopK: (c, x, shape) => {
    if (shape.length === 0) return undefined;
    const [values, positions] = c.nodes("TopK", [x], { k: 1 + c.below(shape.at(-1)!), sorted: true });
    return c.plain("Maximum", values!, c.scale(c.float(positions!), 1 / shape.at(-1)!));
  },
};

const NO_MASKS = { beginMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 } as const;
/** For values with at least one axis: the shape and a random axis. */
const along =
  (make: (c: Composer, x: number, shape: readonly number[], axis: number) => number): Unary =>
  (c, x, shape) => shape.length === 0 ? undefined : make(c, x, shape, c.below(shape.length));

/** Kernels that move or repeat elements. */
const MOVING: Maker<Unary> = {
  BroadcastTo: (c, x, shape) =>
    c.node("BroadcastTo", [x], { shape: [2, ...shape.map((n) => (n === 1 ? 3 : n))] }),
  Concat: along((c, x, shape, axis) => c.node("Concat", [x, mirrored(c, x, shape), x], { axis })),
  ExpandDims: (c, x, shape) => c.node("ExpandDims", [x], { dim: c.below(shape.length + 1) }),
  Fill: (c, x, shape) => c.plain("Maximum", x, c.node("Fill", [], { shape, value: -0.25, dtype: "float32" })),
  GatherNd: along((c, x, shape) => c.plain("GatherNd", x, c.indices([3, 1], shape[0]!))),
  GatherV2: along((c, x, shape, axis) =>
    c.node("GatherV2", [x, c.indices(c.pick([[], [2], [2, 2]]), shape[axis]!)], { axis, batchDims: 0 })
  ),
  MirrorPad: along((c, x, shape, axis) =>
    c.node("MirrorPad", [x], {
      paddings: shape.map((n, i): [number, number] => (i === axis && n > 1 ? [1, 0] : [0, 0])),
      mode: c.pick(["reflect", "symmetric"] as const),
    })
  ),
  OnesLike: (c, x) => c.plain("Multiply", c.plain("OnesLike", x), x),
  Pack: (c, x, shape) => c.node("Pack", [x, mirrored(c, x, shape)], { axis: c.below(shape.length + 1) }),
  PadV2: along((c, x, shape, axis) =>
    c.node("PadV2", [x], {
      paddings: shape.map((_, i): [number, number] => (i === axis ? [c.below(2), 1] : [0, 0])),
      constantValue: c.pick([0, 0.5]),
    })
  ),
  Reshape: (c, x, shape) =>
    c.node("Reshape", [x], { shape: c.pick([[sizeOf(shape)], [1, sizeOf(shape)], [...shape, 1]]) }),
  Reverse: along((c, x, _shape, axis) => c.node("Reverse", [x], { dims: [axis] })),
  ScatterNd: along((c, x, shape) => {
    const places = c.builder.constant(Array.from({ length: shape[0]! }, (_, i) => i + 1), {
      dtype: "int32",
      shape: [shape[0]!, 1],
    });
    return c.node("ScatterNd", [places, x], { shape: [shape[0]! + 2, ...shape.slice(1)] });
  }),
  Slice: along((c, x, shape, axis) => {
    const begin = shape.map((n, i) => (i === axis ? c.below(n) : 0));
    return c.node("Slice", [x], { begin, size: shape.map((n, i) => n - begin[i]!) });
  }),
  SparseToDense: (c, x, shape) => {
    const count = sizeOf(shape);
    const places = c.builder.constant(Array.from({ length: count }, (_, i) => 2 * i), {
      dtype: "int32",
      shape: [count],
    });
    const values = c.node("Reshape", [x], { shape: [count] });
    return c.node("SparseToDense", [places, values, c.fresh([])], { outputShape: [2 * count] });
  },
  SpaceToBatchND: (c, x, shape) =>
    shape.length < 3
      ? undefined
      : c.node("SpaceToBatchND", [x], { blockShape: [2], paddings: [[0, shape[1]! % 2]] }),
  SplitV: along((c, x, shape, axis) =>
    shape[axis]! < 2 ? x : c.pick(c.nodes("SplitV", [x], { numOrSizeSplits: [1, shape[axis]! - 1], axis }))
  ),
  StridedSlice: along((c, x, shape, axis) =>
    c.node("StridedSlice", [x], {
      begin: shape.map((n, i) => (i === axis ? n - 1 : 0)),
      end: shape.map((n, i) => (i === axis ? 0 : n)),
      strides: shape.map((_, i) => (i === axis ? -c.pick([1, 2]) : 1)),
      endMask: 1 << axis,
      ...NO_MASKS,
    })
  ),
  TensorScatterUpdate: along((c, x, shape) =>
    c.plain("TensorScatterUpdate", x, c.indices([1, 1], shape[0]!), c.fresh([1, ...shape.slice(1)]))
  ),
  Tile: along((c, x, shape) => c.node("Tile", [x], { reps: shape.map((n) => (n < 3 ? c.pick([1, 2]) : 1)) })),
  Transpose: (c, x, shape) =>
    c.node("Transpose", [x], { perm: shape.map((_, i) => i).toSorted(() => c.random() - 0.5) }),
  Unpack: along((c, x, _shape, axis) => c.pick(c.nodes("Unpack", [x], { axis }))),
  ZerosLike: (c, x) => c.plain("Maximum", c.plain("ZerosLike", x), x),
};

/** Kernels of two values that broadcast. */
const PAIRS: Maker<Binary> = {
  ...makers(
    ANY_PAIRS.filter((kernel) => broadcasts(kernel) && !Object.hasOwn(JUMPING, kernel)),
    (kernel) => (c, a, b) => c.scale(c.plain(kernel, a, b), 0.5),
  ),
  Atan2: (c, a, b) => c.scale(c.plain("Atan2", a, c.above(b, 0.5)), 0.6),
  Pow: (c, a, b) => c.scale(c.plain("Pow", c.above(a, 0.5), b), 0.5),
  RealDiv: (c, a, b) => c.plain("RealDiv", a, c.above(b, 1)),
  SquaredDifference: (c, a, b) => c.scale(c.plain("SquaredDifference", a, b), 0.25),
};

function broadcasts(kernel: Kernel): boolean {
  const { kind } = ruleOf(kernel).traits;
  return kind.is === "elementwise" && kind.broadcasts;
}

/** A reduction over one axis or all; one that grows with the number of elements is divided by it. */
const reduced = (kernel: Kernel): Unary =>
  along((c, x, shape, axis) => {
    const axes = c.below(2) === 1 ? [axis] : shape.map((_, i) => i);
    const { attrs, traits: { kind } } = ruleOf(kernel);
    const given = Object.keys(attrs).map((name) => [name, name === "keepDims" ? c.below(2) === 1 : axes]);
    const result = c.node(kernel, [x], Object.fromEntries(given) as never);
    const count = axes.reduce((product, i) => product * shape[i]!, 1);
    const growth = kind.is === "reduction" ? kind.ofEqual?.(1, count) ?? 1 : 1;
    return growth === 1 ? result : c.scale(result, 1 / growth);
  });

/** For images [row, height, width, channel] of at least 2 x 2. */
const image =
  (make: (c: Composer, x: number, shape: readonly [number, number, number, number]) => number): Unary =>
  (c, x, shape) =>
    shape.length === 4 && shape[1]! > 1 && shape[2]! > 1
      ? make(c, x, shape as readonly [number, number, number, number])
      : undefined;

type Pads = readonly [
  readonly [number, number],
  readonly [number, number],
  readonly [number, number],
  readonly [number, number],
];
const PADS: Pads = [[0, 0], [1, 0], [0, 1], [0, 0]];
const NO_PADS: Pads = [[0, 0], [0, 0], [0, 0], [0, 0]];
/** A window of 2 x 2 that moves by 1, with one cell of padding on two sides, keeps height and width. */
const WINDOW = { strides: [1, 1], pad: PADS, dataFormat: "NHWC" } as const;
const POOL = { filterSize: [2, 2], strides: [2, 1], pad: NO_PADS } as const;
const SCALINGS = [
  { alignCorners: false, halfPixelCenters: false },
  { alignCorners: true, halfPixelCenters: false },
  { alignCorners: false, halfPixelCenters: true },
];
const ACTIVATIONS = ["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu"] as const;

/** Kernels that sum, or know what axes mean. */
const STRUCTURED: Maker<Unary> = {
  ...makers(kernelsOf("reduction", 1, "float32", "float32"), reduced),
  AvgPool: image((c, x) => c.node("AvgPool", [x], POOL)),
  AvgPoolGrad: image((c, x) => {
    const y = c.node("AvgPool", [x], POOL);
    return c.scale(c.node("AvgPoolGrad", [y, x], POOL), 0.5);
  }),
  BatchMatMul: (c, x, shape) => {
    if (shape.length < 2) return undefined;
    const [transposeA, transposeB] = [c.below(2) === 1, c.below(2) === 1];
    const inner = shape.at(transposeA ? -2 : -1)!;
    const b = c.fresh(transposeB ? [5, inner] : [inner, 5], 1 / inner);
    const lead = shape.slice(0, -2);
    const other = lead.length === 0
      ? b
      : c.node("Reshape", [b], { shape: [...lead.map(() => 1), ...c.shape(b)] });
    return c.node("BatchMatMul", [x, other], { transposeA, transposeB });
  },
  Conv2D: image((c, x, shape) =>
    c.node("Conv2D", [x, c.fresh([2, 2, shape[3], 3], 0.25 / shape[3])], { ...WINDOW, dilations: [1, 1] })
  ),
  Conv2DBackpropFilter: image((c, x, shape) => {
    const dy = c.node("Tile", [x], { reps: [1, 1, 1, 2] });
    const filterShape = [2, 2, shape[3], 2 * shape[3]] as const;
    return c.scale(
      c.node("Conv2DBackpropFilter", [x, dy], { ...WINDOW, filterShape }),
      1 / sizeOf(shape.slice(0, 3)),
    );
  }),
  Conv2DBackpropInput: image((c, x, shape) =>
    c.node("Conv2DBackpropInput", [x, c.fresh([2, 2, 2, shape[3]], 0.25 / shape[3])], {
      ...WINDOW,
      inputShape: [shape[0], shape[1], shape[2], 2],
    })
  ),
  Cumprod: along((c, x, _shape, axis) =>
    c.node("Cumprod", [x], { axis, exclusive: c.below(2) === 1, reverse: c.below(2) === 1 })
  ),
  Cumsum: along((c, x, shape, axis) =>
    c.scale(
      c.node("Cumsum", [x], { axis, exclusive: c.below(2) === 1, reverse: c.below(2) === 1 }),
      1 / Math.max(shape[axis]!, 1),
    )
  ),
  DepthToSpace: image((c, x, shape) =>
    c.node("DepthToSpace", [c.node("Tile", [x], { reps: [1, 1, 1, 4 / gcd(4, shape[3])] })], {
      blockSize: 2,
      dataFormat: "NHWC",
    })
  ),
  DepthwiseConv2dNative: image((c, x, shape) =>
    c.node("DepthwiseConv2dNative", [x, c.fresh([2, 2, shape[3], 1], 0.25)], { ...WINDOW, dilations: [1, 1] })
  ),
  Einsum: (c, x, shape) =>
    shape.length === 2
      ? c.node("Einsum", [x, c.fresh([shape[1]!, 3], 1 / shape[1]!)], { equation: "ij,jk->ik" })
      : undefined,
  EluGrad: (c, x) => c.plain("EluGrad", x, c.plain("Elu", x)),
  FusedBatchNorm: (c, x, shape) => {
    if (shape.length !== 4) return undefined;
    const channels = [shape[3]!];
    const variance = c.above(c.fresh(channels), 0.5);
    const slots = [x, c.fresh(channels), c.fresh(channels, 0.5), c.fresh(channels, 0.5), variance];
    return c.plain("Tanh", c.node("FusedBatchNorm", slots, { varianceEpsilon: 1e-3 }));
  },
  FusedConv2D: image((c, x, shape) =>
    c.node("FusedConv2D", [x, c.fresh([2, 2, shape[3], 4], 0.125 / shape[3]), c.fresh([4], 0.5), null], {
      ...WINDOW,
      dilations: [1, 1],
      activation: c.pick(ACTIVATIONS),
      leakyreluAlpha: 0.2,
    })
  ),
  LinSpace: (c, x, shape) =>
    shape.length === 0
      ? undefined
      : c.plain("Multiply", x, c.node("LinSpace", [], { start: -1, stop: 1, num: shape.at(-1)! })),
  LRN: (c, x, shape) =>
    shape.length === 4 ? c.node("LRN", [x], { depthRadius: 1, bias: 1, alpha: 0.5, beta: 0.75 }) : undefined,
  MaxPool: image((c, x) => c.node("MaxPool", [x], POOL)),
  OneHot: along((c, x, shape) => {
    const hot = c.node("OneHot", [c.indices([shape.at(-1)!], 4)], {
      depth: 4,
      onValue: 1,
      offValue: 0,
      dtype: "float32",
    });
    const rows = c.node("Reshape", [x], { shape: [sizeOf(shape) / shape.at(-1)!, shape.at(-1)!] });
    return c.scale(
      c.node("BatchMatMul", [rows, hot], { transposeA: false, transposeB: false }),
      1 / shape.at(-1)!,
    );
  }),
  Prelu: along((c, x, shape) => c.plain("Prelu", x, c.fresh([shape.at(-1)!]))),
  Range: along((c, x, shape) => {
    const range = c.node("Range", [], { start: 0, stop: shape.at(-1)!, step: 1, dtype: "float32" });
    return c.plain("Multiply", x, c.scale(range, 1 / shape.at(-1)!));
  }),
  ResizeBilinear: image((c, x, shape) =>
    c.node("ResizeBilinear", [x], { size: [shape[1] + 1, shape[2]], ...c.pick(SCALINGS) })
  ),
  ResizeNearestNeighbor: image((c, x, shape) =>
    c.node("ResizeNearestNeighbor", [x], { size: [2 * shape[1], shape[2]], ...c.pick(SCALINGS) })
  ),
  Softmax: (
    c,
    x,
    shape,
  ) => (shape.length === 0 ? undefined : c.node("Softmax", [x], { dim: shape.length - 1 })),
  UnsortedSegmentSum: along((c, x, shape) =>
    c.scale(c.node("UnsortedSegmentSum", [x, c.indices([shape[0]!], 3)], { numSegments: 3 }), 1 / shape[0]!)
  ),
  _FusedMatMul: (c, x, shape) => {
    if (shape.length !== 2) return undefined;
    const slots = [x, c.fresh([shape[1]!, 4], 0.5 / shape[1]!), c.fresh([4], 0.5), null];
    const attrs = {
      transposeA: false,
      transposeB: false,
      activation: c.pick(ACTIVATIONS),
      leakyreluAlpha: 0.2,
    };
    return c.node("_FusedMatMul", slots, attrs);
  },
};

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
