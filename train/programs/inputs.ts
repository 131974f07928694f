/**
 * What a program is given beside its state: columns, scalars and random numbers, by the inputs that it declares.
 *
 * @module
 */
import { randomFor } from "../../core/random.ts";
import { sizeOf } from "../../core/types.ts";
import type { Executable, Tensor, Tensors } from "../../engine/runtimes/types.ts";
import type { ProgramColumn, ProgramColumns } from "../batches.ts";

/** The columns that a program reads; a function that does not use a column has no such input. */
export function columnsOf(
  executable: Executable,
  columns: ProgramColumns,
): { [name: string]: ProgramColumn } {
  const names = executable.program.inputs.filter(({ role }) => role === "batch").map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, columns[name]!]));
}

/** Rows per call of a program, from its first batch input that is not given whole; 1 where there is none. */
export function batchSizeOf(executable: Executable, shared: readonly string[] = []): number {
  const { inputs, values } = executable.program;
  const first = inputs.find((input) => input.role === "batch" && !shared.includes(input.name));
  return first ? values[first.value]!.shape[0] ?? 1 : 1;
}

/** Values for the scalar inputs of a program; the learning rate is the only one there is. */
export function scalarInputs(executable: Executable, learningRate: number): Tensors {
  const scalars = executable.program.inputs.filter((input) => input.role === "scalar");
  return Object.fromEntries(
    scalars.map(({ name }) => [name, { dtype: "float32", shape: [], data: Float32Array.of(learningRate) }]),
  );
}

/** Which random numbers: equal keys give equal numbers. */
export interface RandomKey {
  readonly seed: number;
  /** What for, such as "network/validate". */
  readonly purpose: string;
  readonly epoch: number;
  readonly step: number;
}

/** Numbers for the random inputs of a program, a stream of its own for each. */
export function randomInputs(executable: Executable, { seed, purpose, epoch, step }: RandomKey): Tensors {
  const { inputs, values } = executable.program;
  const tensors: { [name: string]: Tensor } = {};
  for (const input of inputs) {
    if (input.role !== "random") continue;
    const { shape } = values[input.value]!;
    const data = new Float32Array(sizeOf(shape));
    const random = randomFor({ seed, purpose: `${purpose}/${input.name}`, epoch, step });
    if (input.distribution === "normal") random.fillNormal(data);
    else random.fillUniform(data);
    tensors[input.name] = { dtype: "float32", shape, data };
  }
  return tensors;
}
