/**
 * Arrays by element type, and the checks that every engine makes of what it is given.
 *
 * @module
 */
import { type ArrayOf, sizeOf } from "../../core/types.ts";
import { NotFoundError } from "../../core/errors.ts";
import { formatType } from "../program/kernels.ts";
import type { Program, ProgramDtype, ValueType } from "../program/types.ts";
import type { Tensor, Tensors } from "./types.ts";

/** The array class of each element type. */
export const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** An array of zeros. */
export function zeros<D extends ProgramDtype>(dtype: D, size: number): ArrayOf[D] {
  return new ARRAYS[dtype](size) as ArrayOf[D];
}

/** A tensor of its own memory with the same numbers. */
export function copyTensor({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape: [...shape], data: data.slice() };
}

/**
 * Checks one array against the type it must have.
 *
 * @throws {TypeError} `Cannot <action> as it must be float32[64,25]: found float32[64,24]`.
 */
export function checkTensor(action: string, tensor: Tensor, type: ValueType): void {
  const isTyped = tensor.dtype === type.dtype && tensor.shape.length === type.shape.length &&
    tensor.shape.every((length, i) => length === type.shape[i]);
  if (!isTyped) {
    throw new TypeError(`Cannot ${action} as it must be ${formatType(type)}: found ${formatType(tensor)}`);
  }
  const isStored = tensor.data instanceof ARRAYS[type.dtype] && tensor.data.length === sizeOf(type.shape);
  if (!isStored) {
    throw new TypeError(
      `Cannot ${action} as its data must be a ${ARRAYS[type.dtype].name} of ${
        sizeOf(type.shape)
      } elements: ` +
        `found ${tensor.data?.constructor?.name ?? typeof tensor.data} of ${tensor.data?.length}`,
    );
  }
}

/**
 * Checks that `inputs` are exactly the inputs of the program.
 *
 * @throws {TypeError} If one is missing, unknown, or of another type.
 */
export function checkInputs(program: Program, inputs: Tensors): void {
  for (const name of Object.keys(inputs)) {
    if (program.inputs.some((input) => input.name === name)) continue;
    const known = program.inputs.map((input) => `"${input.name}"`).join(", ") || "none";
    throw new TypeError(
      `Cannot run "${program.name}" as its inputs are ${known}: found "${name}"`,
    );
  }
  for (const input of program.inputs) {
    const type = program.values[input.value]!;
    const tensor = Object.hasOwn(inputs, input.name) ? inputs[input.name] : undefined;
    if (!tensor) {
      throw new TypeError(
        `Cannot run "${program.name}" as input "${input.name}" must be given as ${
          formatType(type)
        }: found nothing`,
      );
    }
    checkTensor(`run "${program.name}" with input "${input.name}"`, tensor, type);
  }
}

/**
 * Checks that the state of a program exists in a session with the same types.
 *
 * @throws {NotFoundError} If the session has no tensor of that name.
 * @throws {TypeError} If it has another type.
 */
export function checkState(program: Program, stateType: (name: string) => ValueType | undefined): void {
  for (const { name, value } of program.state) {
    const found = stateType(name);
    if (!found) {
      throw new NotFoundError(
        `Cannot compile "${program.name}" as its state must exist in the session: found no "${name}"`,
        "state",
        name,
      );
    }
    const wanted = formatType(program.values[value]);
    if (formatType(found) !== wanted) {
      throw new TypeError(
        `Cannot compile "${program.name}" as state "${name}" must be ${wanted}: found ${formatType(found)}`,
      );
    }
  }
}

/**
 * Checks tensors that are to replace state of a session.
 *
 * @throws {NotFoundError} If the session has no tensor of that name.
 * @throws {TypeError} If it has another type.
 */
export function checkLoadedState(state: Tensors, stateType: (name: string) => ValueType | undefined): void {
  for (const [name, tensor] of Object.entries(state)) {
    const known = stateType(name);
    if (!known) {
      throw new NotFoundError(
        `Cannot load state as its names must exist in the session: found "${name}"`,
        "state",
        name,
      );
    }
    checkTensor(`load state "${name}"`, tensor, known);
  }
}
