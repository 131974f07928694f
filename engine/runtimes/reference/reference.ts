/**
 * The engine `reference`: replays programs kernel by kernel on tfjs's plain JavaScript backend. Slow; the oracle of the
 * conformance tests, and a way to run where no native library is.
 *
 * @module
 */
import { InternalError } from "../../../core/errors.ts";
import { isKernel, ruleOf } from "../../program/kernels.ts";
import { verifyProgram } from "../../program/verify.ts";
import type { Program, ProgramNode, ValueId } from "../../program/types.ts";
import { ARRAYS, checkInputs, checkLoadedState, checkState, checkTensor, copyTensor } from "../arrays.ts";
import type { Engine, Executable, Session, Tensor, Tensors } from "../types.ts";

/** tfjs's plain JavaScript kernels, one after the other. */
export const referenceEngine: Engine = {
  name: "reference",
  async open(state) {
    return new ReferenceSession(await loadKernels(), state);
  },
};

/** A tensor of tfjs. */
interface Info {
  readonly dataId: object;
  readonly shape: number[];
  readonly dtype: string;
}

/** What is used of tfjs. */
interface Kernels {
  /** A tensor with these numbers. */
  make(tensor: Tensor): Info;
  /** Calls a kernel. */
  call(node: ProgramNode, inputs: readonly (Info | null)[]): readonly Info[];
  /** The numbers of a tensor. */
  read(info: Info): ArrayLike<number>;
  free(info: Info): void;
}

async function loadKernels(): Promise<Kernels> {
  const [{ cpuKernel }, { cpuBackend }] = await Promise.all([
    import("../../trace/cpu/kernels.ts"),
    import("../../trace/internals.ts"),
  ]);
  const backend = cpuBackend();
  const free = (info: Info) => void backend.disposeData(info.dataId, true);
  return {
    make: ({ dtype, shape, data }) => backend.makeTensorInfo([...shape], dtype, data.slice()) as Info,
    call({ kernel, attrs }, inputs) {
      const run = cpuKernel(kernel);
      if (!run) {
        throw new InternalError(
          `Cannot run kernel "${kernel}" as tfjs's cpu backend must have it: found none`,
        );
      }
      const result = run({
        inputs: nameInputs(kernel, inputs) as never,
        attrs: structuredClone(attrs) as never,
        cpu: backend,
      });
      return (Array.isArray(result) ? result : [result]) as Info[];
    },
    read: (info) => backend.readSync(info.dataId) as ArrayLike<number>,
    free,
  };
}

/** Inputs as tfjs wants them: by slot name, or as a list. */
function nameInputs(kernel: string, inputs: readonly (Info | null)[]): unknown {
  const slots = isKernel(kernel) ? ruleOf(kernel).inputs : "variadic";
  if (slots === "variadic") return inputs;
  return Object.fromEntries(slots.flatMap((name, i) => (inputs[i] ? [[name, inputs[i]]] : [])));
}

class ReferenceSession implements Session {
  readonly engine = "reference";
  readonly threads = 1;
  readonly #kernels: Kernels;
  readonly #state = new Map<string, Tensor>();

  constructor(kernels: Kernels, state: Tensors) {
    this.#kernels = kernels;
    for (const [name, tensor] of Object.entries(state)) {
      checkTensor(`open session with state "${name}"`, tensor, tensor);
      this.#state.set(name, copyTensor(tensor));
    }
  }

  // deno-lint-ignore require-await
  async compile(program: Program): Promise<Executable> {
    verifyProgram(program);
    checkState(program, (name) => this.#state.get(name));
    const kernels = this.#kernels;
    const state = this.#state;
    return {
      program,
      // deno-lint-ignore require-await
      run: async (inputs: Tensors) => replay(program, inputs, state, kernels),
      dispose: () => Promise.resolve(),
    };
  }

  state(): Promise<Tensors> {
    return Promise.resolve(
      Object.fromEntries([...this.#state].map(([name, tensor]) => [name, copyTensor(tensor)])),
    );
  }

  // deno-lint-ignore require-await
  async load(state: Tensors): Promise<void> {
    checkLoadedState(state, (name) => this.#state.get(name));
    for (const [name, tensor] of Object.entries(state)) this.#state.set(name, copyTensor(tensor));
  }

  dispose(): Promise<void> {
    this.#state.clear();
    return Promise.resolve();
  }
}

/** Runs a program once and changes `state`. */
function replay(program: Program, inputs: Tensors, state: Map<string, Tensor>, kernels: Kernels): Tensors {
  checkInputs(program, inputs);
  const values = new Map<ValueId, Info>();
  try {
    for (const { name, value } of program.inputs) values.set(value, kernels.make(inputs[name]!));
    for (const { name, value } of program.state) values.set(value, kernels.make(state.get(name)!));
    for (const { value, data } of program.constants) {
      const { dtype, shape } = program.values[value]!;
      const numbers = ARRAYS[dtype].from(data) as Tensor["data"];
      values.set(value, kernels.make({ dtype, shape, data: numbers }));
    }
    for (const node of program.nodes) {
      const results = kernels.call(node, node.inputs.map((id) => (id === null ? null : values.get(id)!)));
      node.outputs.forEach((id, i) => values.set(id, results[i]!));
    }
    const read = (value: ValueId): Tensor => {
      const { dtype, shape } = program.values[value]!;
      const data = ARRAYS[dtype].from(kernels.read(values.get(value)!)) as Tensor["data"];
      return { dtype, shape, data };
    };
    const outputs = Object.fromEntries(program.outputs.map(({ name, value }) => [name, read(value)]));
    const updates = program.updates.map((update) => [update.state, read(update.value)] as const);
    for (const [name, tensor] of updates) state.set(name, tensor);
    return outputs;
  } finally {
    for (const info of new Map([...values.values()].map((info) => [info.dataId, info])).values()) {
      kernels.free(info);
    }
  }
}
