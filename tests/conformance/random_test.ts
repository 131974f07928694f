/**
 * Random programs: whatever the passes and rules do to a composition of kernels, every engine must agree with the
 * reference.
 */
import type { Program } from "../../engine/program/types.ts";
import { engineByName } from "../../engine/runtime/engines.ts";
import type { Tensor, Tensors } from "../../engine/runtime/types.ts";
import { assertClose, IMPLEMENTATIONS, numbers, ProgramBuilder, runOnce, type Tolerance } from "./harness.ts";

const PROGRAMS = 60;
const KERNELS_EACH = 30;

/** Chains of 30 operations on numbers within [-1, 1]; each float32 rounding may grow a few times on the way. */
const CHAINED: Tolerance = { rtol: 2e-4, atol: 2e-5 };

/** Numbers in [0, 1) that depend on the seed only (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Grows a program by random kernels. Every value stays within [-1, 1], or about. */
class Grower {
  readonly #random: () => number;
  readonly #builder: ProgramBuilder;
  /** float32 values to choose from. */
  readonly #pool: number[] = [];
  /** Inputs: the same bits on every engine, so that comparing them is safe. */
  readonly #exact: number[] = [];

  constructor(seed: number) {
    this.#random = randomOf(seed);
    this.#builder = new ProgramBuilder(`random ${seed}`);
  }

  grow(): { program: Program; inputs: Tensors; state: Tensors } {
    const shapes = [[4, 3], [3], [4, 1], [2, 4, 3], [1, 3], []];
    const inputs: { [name: string]: Tensor } = {};
    const state: { [name: string]: Tensor } = {};
    shapes.forEach((shape, i) => {
      const value = numbers(shape, -1, 1, i + 1);
      const isState = i % 2 === 1;
      const id = isState ? this.#builder.state(`s${i}`, value) : this.#builder.input(`x${i}`, value);
      (isState ? state : inputs)[isState ? `s${i}` : `x${i}`] = value;
      this.#pool.push(id);
      this.#exact.push(id);
    });
    for (let i = 0; i < KERNELS_EACH; i++) this.#pool.push(this.#node());
    this.#pool.slice(-6).forEach((value, i) => this.#builder.output(`y${i}`, value));
    for (const name of Object.keys(state)) {
      const index = Number(name.slice(1));
      const own = this.#exact[index]!;
      // A state moves towards something of its shape, as optimizers do.
      const scaled = this.#builder.node("Multiply", [own, this.#builder.scalar(0.9)], {});
      this.#builder.update(name, scaled);
    }
    return { program: this.#builder.program(), inputs, state };
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  #value(): number {
    return this.#pick(this.#pool);
  }

  #shape(id: number): readonly number[] {
    return this.#builder.shape(id);
  }

  /** Two values that broadcast. */
  #pair(): [number, number] {
    for (;;) {
      const [a, b] = [this.#value(), this.#value()];
      const [x, y] = [this.#shape(a), this.#shape(b)];
      const rank = Math.max(x.length, y.length);
      const isFitting = Array.from({ length: rank }, (_, i) => [x.at(-1 - i) ?? 1, y.at(-1 - i) ?? 1])
        .every(([m, n]) => m === n || m === 1 || n === 1);
      if (isFitting) return [a, b];
    }
  }

  #node(): number {
    const b = this.#builder;
    const makers: readonly (() => number)[] = [
      () =>
        b.node(
          this.#pick(["Tanh", "Sigmoid", "Relu", "Neg", "Square", "Abs", "Sin", "Erf"]),
          [this.#value()],
          {},
        ),
      () => b.node("Tanh", [b.node(this.#pick(["Add", "Sub", "Multiply"]), this.#pair(), {})], {}),
      () => b.node(this.#pick(["Maximum", "Minimum", "Multiply"]), this.#pair(), {}),
      () => b.node("Multiply", [this.#value(), b.scalar(this.#pick([1, -1, 0.5, 0.25]))], {}),
      () => b.node("Add", [this.#value(), b.scalar(0)], {}),
      () => b.node("RealDiv", [this.#value(), b.scalar(this.#pick([1, 2, 3]))], {}),
      () => this.#filled(),
      () => this.#reduced(),
      () => this.#reshaped(),
      () => this.#transposed(),
      () => this.#product(),
      () => this.#selected(),
      () => this.#joined(),
      () => this.#repeated(),
      () => this.#normalized(),
    ];
    return this.#pick(makers)();
  }

  #filled(): number {
    const x = this.#value();
    const ones = this.#builder.node("OnesLike", [x], {});
    return this.#builder.node("Multiply", [ones, x], {});
  }

  #reduced(): number {
    const x = this.#value();
    const rank = this.#shape(x).length;
    if (rank === 0) return x;
    const axis = [Math.floor(this.#random() * rank)];
    return this.#builder.node("Mean", [x], { axis, keepDims: this.#random() < 0.5 });
  }

  #reshaped(): number {
    const x = this.#value();
    const size = this.#shape(x).reduce((a, b) => a * b, 1);
    const shape = this.#pick([[size], [1, size], [size, 1], this.#shape(x)]);
    return this.#builder.node("Reshape", [x], { shape });
  }

  #transposed(): number {
    const x = this.#value();
    const perm = this.#shape(x).map((_, i) => i).reverse();
    return this.#builder.node("Transpose", [x], { perm });
  }

  #product(): number {
    const matrices = this.#pool.filter((id) => this.#shape(id).length === 2);
    const a = this.#pick(matrices);
    const [rows, columns] = this.#shape(a) as [number, number];
    const partners = matrices.filter((id) =>
      this.#shape(id)[0] === columns || this.#shape(id)[1] === columns
    );
    const b = this.#pick(partners.length > 0 ? partners : [a]);
    const transposeB = this.#shape(b)[0] !== columns;
    const y = this.#shape(b)[0] === columns || transposeB && this.#shape(b)[1] === columns
      ? this.#builder.node("BatchMatMul", [a, b], { transposeA: false, transposeB })
      : this.#builder.node("BatchMatMul", [a, a], { transposeA: false, transposeB: true });
    return this.#builder.node("Multiply", [y, this.#builder.scalar(1 / Math.max(rows, columns))], {});
  }

  #selected(): number {
    const b = this.#builder;
    const x = this.#pick(this.#exact.filter((id) => this.#shape(id).length > 0));
    const isPositive = b.node("Greater", [x, b.scalar(0)], {});
    if (this.#random() < 0.5) return b.node("Cast", [isPositive], { dtype: "float32" });
    const half = b.node("Multiply", [x, b.scalar(this.#pick([0.1, 0.5]))], {});
    return b.node("Select", [isPositive, x, half], {});
  }

  #joined(): number {
    const x = this.#value();
    if (this.#shape(x).length === 0) return x;
    const alike = this.#pool.filter((id) => String(this.#shape(id)) === String(this.#shape(x)));
    const joined = this.#builder.node("Concat", [x, this.#pick(alike)], { axis: 0 });
    const begin = this.#shape(joined).map((_, i) => (i === 0 ? 1 : 0));
    return this.#builder.node("Slice", [joined], { begin, size: this.#shape(x) });
  }

  #repeated(): number {
    const x = this.#value();
    const shape = this.#shape(x);
    const reps = shape.map((length) => (length === 1 ? this.#pick([1, 3]) : 1));
    return this.#builder.node("Tile", [x], { reps });
  }

  #normalized(): number {
    const x = this.#pick(this.#pool.filter((id) => this.#shape(id).length > 0));
    return this.#builder.node("Softmax", [x], { dim: this.#shape(x).length - 1 });
  }
}

for (const implementation of IMPLEMENTATIONS) {
  Deno.test(`${implementation.name} agrees with the reference on random programs`, async () => {
    const [engine, reference] = await Promise.all([implementation.open(), engineByName("reference")]);
    for (let seed = 1; seed <= PROGRAMS; seed++) {
      const { program, inputs, state } = new Grower(seed).grow();
      const expected = await runOnce(reference, program, inputs, state);
      const actual = await runOnce(engine, program, inputs, state, implementation.options);
      assertClose(actual.outputs, expected.outputs, CHAINED, `seed ${seed}`);
      assertClose(actual.state, expected.state, CHAINED, `seed ${seed}`);
    }
  });
}
