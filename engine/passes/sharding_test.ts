import assert from "node:assert/strict";
import { CASES } from "../../tests/conformance/cases.ts";
import type { KernelCases, NodeCase } from "../../tests/conformance/cases/case.ts";
import { assertClose, numbers, ProgramBuilder, runOnce, tensor } from "../../tests/conformance/harness.ts";
import type { Scalar, Tensor as TfTensor } from "../../core/tensor.ts";
import { adam, mlp } from "../nn/mod.ts";
import { inferKernel, type Kernel, ruleOf } from "../program/kernels.ts";
import type { Program } from "../program/types.ts";
import { verifyProgram } from "../program/verify.ts";
import { referenceEngine } from "../runtimes/reference/reference.ts";
import type { Tensor, Tensors } from "../runtimes/types.ts";
import * as tf from "../tf.ts";
import { traceModel } from "../trace/trace.ts";
import { partialName, type ShardedProgram, shardProgram, shardsOf } from "./sharding.ts";

const float = (...shape: number[]) => ({ dtype: "float32", shape } as const);

/** Shard `k` of `count` along the first axis. */
function share({ dtype, shape, data }: Tensor, k: number, count: number): Tensor {
  const size = data.length / count;
  return {
    dtype,
    shape: [shape[0]! / count, ...shape.slice(1)],
    data: data.slice(k * size, (k + 1) * size),
  } as Tensor;
}

/** Runs a sharded program shard by shard, then what comes after. */
async function runShards(
  { count, shard, after, shardedInputs, shardedOutputs, partials }: ShardedProgram,
  inputs: Tensors,
  state: Tensors = {},
): Promise<{ readonly outputs: Tensors; readonly state: Tensors }> {
  const of = (program: Program, tensors: Tensors) =>
    Object.fromEntries(
      Object.entries(tensors).filter(([name]) => program.inputs.some((input) => input.name === name)),
    );
  const found: Tensors[] = [];
  for (let k = 0; k < count; k++) {
    const own = Object.fromEntries(
      Object.entries(of(shard, inputs)).map((
        [name, x],
      ) => [name, shardedInputs.includes(name) ? share(x, k, count) : x]),
    );
    found.push((await runOnce(referenceEngine, shard, own, state)).outputs);
  }
  const terms = Object.fromEntries(
    found.flatMap((outputs, k) => partials.map(({ name }) => [partialName(k, name), outputs[name]!])),
  );
  const reduced = after && await runOnce(referenceEngine, after, of(after, { ...inputs, ...terms }), state);
  const joined = Object.fromEntries(shardedOutputs.map((name): [string, Tensor] => {
    const shards = found.map((outputs) => outputs[name]!);
    const [first] = shards as [Tensor];
    const data = shards.flatMap(({ data }) => Array.from(data));
    return [name, tensor(first.dtype, [first.shape[0]! * count, ...first.shape.slice(1)], data)];
  }));
  return { outputs: { ...reduced?.outputs, ...joined }, state: reduced?.state ?? state };
}

/** The smallest divisor above 1. */
function divisorOf(length: number): number {
  for (let n = 2; n <= length; n++) if (length % n === 0) return n;
  return 1;
}

/** The order that puts an axis first, and its inverse. */
const toFront = (
  rank: number,
  axis: number,
) => [axis, ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)];
const inverse = (perm: readonly number[]) => perm.map((_, i) => perm.indexOf(i));

/**
 * A kernel of which some inputs have rows along an axis, the others are state, and of whose results axis `out` comes
 * first.
 */
function rowProgram(
  kernel: Kernel,
  { inputs, attrs }: NodeCase,
  axes: readonly (number | undefined)[],
  out: number,
) {
  const b = new ProgramBuilder(kernel);
  const given: { [name: string]: Tensor } = {};
  const state: { [name: string]: Tensor } = {};
  const slots = inputs.map((input, i) => {
    const axis = axes[i];
    if (input === null) return null;
    if (axis === undefined) {
      state[`w${i}`] = input;
      return b.state(`w${i}`, input);
    }
    const perm = toFront(input.shape.length, axis);
    given[`x${i}`] = transposed(input, perm);
    return b.node("Transpose", [b.input(`x${i}`, given[`x${i}`]!)], { perm: inverse(perm) });
  });
  b.nodes(kernel, slots, attrs as never).forEach((value, i) => {
    const rank = b.shape(value).length;
    b.output(
      `y${i}`,
      out > 0 && out < rank ? b.node("Transpose", [value], { perm: toFront(rank, out) }) : value,
    );
  });
  return { program: b.program(), given, state };
}

function transposed({ dtype, shape, data }: Tensor, perm: readonly number[]): Tensor {
  const target = perm.map((axis) => shape[axis]!);
  const values = Array.from({ length: data.length }, (_, flat) => {
    const at = perm.map(() => 0);
    for (let i = perm.length - 1, rest = flat; i >= 0; i--) {
      at[perm[i]!] = rest % target[i]!;
      rest = Math.floor(rest / target[i]!);
    }
    return Number(data[at.reduce((index, position, axis) => index * shape[axis]! + position, 0)]);
  });
  return tensor(dtype, target, values);
}

/** Choices of inputs with rows and of their axes, all of one length above 1. */
function* axisChoices({ inputs }: NodeCase): Generator<readonly (number | undefined)[]> {
  const options = inputs.map((input) => [undefined, ...(input?.shape.keys() ?? [])]);
  for (let code = 1; code < options.reduce((n, { length }) => n * length, 1); code++) {
    let rest = code;
    const axes = options.map((choices) => {
      const choice = choices[rest % choices.length];
      rest = Math.floor(rest / choices.length);
      return choice;
    });
    const lengths = axes.flatMap((axis, i) => (axis === undefined ? [] : [inputs[i]!.shape[axis]!]));
    if (lengths.length > 0 && lengths[0]! > 1 && lengths.every((length) => length === lengths[0])) yield axes;
  }
}

/** Kernels that are sharded, but in no call here, and why. */
const UNTRIED: { readonly [K in Kernel]?: string } = {
  FusedBatchNorm: "five operands: too many choices",
  FusedConv2D: "four operands: too many choices",
  FusedDepthwiseConv2D: "four operands: too many choices",
  _FusedMatMul: "four operands: too many choices",
};

Deno.test("shardProgram() leaves what every kernel computes as it is, along every axis that it divides", async () => {
  const divided = new Set<Kernel>();
  for (const [kernel, { nodes: cases }] of Object.entries(CASES) as [Kernel, KernelCases][]) {
    for (const [number, call] of cases.entries()) {
      if (call.inputs.length > 3) continue;
      for (const axes of axisChoices(call)) {
        const outputs = inferKernel(kernel, call.inputs, call.attrs as never);
        for (let out = 0; out < Math.max(1, outputs[0]!.shape.length); out++) {
          const { program, given, state } = rowProgram(kernel, call, axes, out);
          const sharded = shardProgram(program, divisorOf(Object.values(given)[0]!.shape[0]!));
          if (!sharded) continue;
          divided.add(kernel);
          verifyProgram(sharded.shard);
          if (sharded.after) verifyProgram(sharded.after);
          const expected = await runOnce(referenceEngine, program, given, state);
          const found = await runShards(sharded, given, state);
          const label = `${kernel} case ${number}, rows along ${axes}`;
          const ordered = Object.fromEntries(
            Object.keys(expected.outputs).map((name) => [name, found.outputs[name]!]),
          );
          assertClose(ordered, expected.outputs, { rtol: 1e-5, atol: 1e-5 }, label);
          break;
        }
      }
    }
  }
  const expected = (Object.keys(CASES) as Kernel[]).filter((kernel) =>
    ruleOf(kernel).traits.sharding.propagate !== null && !Object.hasOwn(UNTRIED, kernel)
  );
  assert.deepEqual([...divided].sort(), expected.sort());
});

/** The step of a model on 8 rows, its state and inputs. */
async function step(
  loss: (batch: { readonly [name: string]: TfTensor }) => TfTensor,
  build: () => void = () => {},
) {
  const { programs, state } = await traceModel({
    build() {
      build();
      return { loss: (batch) => ({ loss: loss(batch) as Scalar }), optimizer: adam() };
    },
    columns: { x: float(6, 4), y: float(2) },
    inputs: ["x"],
    targets: ["y"],
    batchSize: 8,
    lastValidationBatch: 0,
    predictBatch: 8,
    seed: 1,
    purpose: "test",
  });
  const program = programs["step"]!;
  const inputs = Object.fromEntries(program.inputs.map(({ name, value }, i) => {
    const { shape } = program.values[value]!;
    return [name, name === "learningRate" ? tensor("float32", [], [0.01]) : numbers(shape, 0, 1, i + 1)];
  }));
  return { program, state, inputs };
}

Deno.test("shardProgram() gives the steps of a model the same loss and weights", async () => {
  const weights: TfTensor[] = [];
  let head: (x: TfTensor) => TfTensor;
  const { program, state, inputs } = await step(({ x, y }) => {
    const q = tf.reshape(tf.matMul(tf.reshape(x!, [48, 4]), weights[0]!), [8, 6, 4]);
    const scores = tf.softmax(tf.matMul(q, x!, false, true));
    const mixed = tf.mean(tf.relu(tf.matMul(scores, x!)), 1);
    const found = head(tf.dropout(mixed, 0.2));
    return tf.add(
      tf.losses.meanSquaredError(y!, found),
      tf.mul(0.1, tf.mean(tf.square(weights[0]!))),
    ) as TfTensor;
  }, () => {
    weights[0] = tf.variable(tf.randomUniform([4, 4], -1, 1), true, "q");
    head = mlp({ inputs: 4, units: [8, 2] });
  });
  for (const count of [2, 4, 8]) {
    const sharded = shardProgram(program, count)!;
    assert.ok(sharded, `${count} shards`);
    const expected = await runOnce(referenceEngine, program, inputs, state);
    const found = await runShards(sharded, inputs, state);
    assertClose(found.outputs, expected.outputs, { rtol: 1e-5, atol: 1e-6 });
    assertClose(found.state, expected.state, { rtol: 1e-4, atol: 1e-6 });
  }
});

Deno.test("shardProgram() refuses rows that meet", async () => {
  const scale = () => tf.variable(tf.ones([4]), true, "scale");
  let variable: TfTensor;
  const normalized = await step(({ x }) => {
    const { mean, variance } = tf.moments(x!, [0, 1]);
    return tf.mean(tf.square(tf.mul(tf.div(tf.sub(x!, mean), tf.sqrt(variance)), variable)));
  }, () => void (variable = scale()));
  assert.equal(shardProgram(normalized.program, 2), undefined);
  const contrasted = await step(({ x }) => {
    const rows = tf.reshape(tf.mul(x!, variable), [8, 24]);
    return tf.mean(tf.matMul(rows, rows, false, true));
  }, () => void (variable = scale()));
  assert.equal(shardProgram(contrasted.program, 2), undefined);
});

Deno.test("shardsOf() divides rows evenly", () => {
  const program = (rows: number) => {
    const b = new ProgramBuilder("rows");
    b.output("y", b.node("Relu", [b.input("x", float(rows, 2))], {}));
    return b.program();
  };
  assert.deepEqual([64, 63, 7, 3, 1].map((rows) => shardsOf(program(rows), 4)), [4, 3, 1, 3, 1]);
});
