/**
 * The exact key: programs with equal keys are lowered to the same bytes.
 *
 * @module
 */
import { sha256Hex } from "../../core/hash.ts";
import { constantBytes } from "./hash.ts";
import type { Program, ValueId } from "./types.ts";

/**
 * 64 hexadecimal digits over everything that lowering can see: kernels, attributes, types, constants, connections, and
 * also what {@linkcode hashProgram} leaves out because it does not change what is computed: names, scopes and the order
 * of nodes, which are written into the graph. Only the numbering of values is left out: they are counted in the order in
 * which they are made.
 *
 * @param program A verified program.
 */
export function programKey(program: Program): string {
  const numbers = new Map<ValueId, number>();
  const made = (id: ValueId) => {
    numbers.set(id, numbers.size);
    const { dtype, shape } = program.values[id]!;
    return `${dtype}[${shape}]`;
  };
  const used = (id: ValueId | null) => (id === null ? null : numbers.get(id));
  const parts = [
    [program.format, program.name],
    program.inputs.map(({ name, role, distribution, value }) => [name, role, distribution, made(value)]),
    program.state.map(({ name, trainable, value }) => [name, trainable, made(value)]),
    program.constants.map((constant) => {
      const bytes = constantBytes(constant, program.values[constant.value]!.dtype);
      return [made(constant.value), sha256Hex(bytes)];
    }),
    program.nodes.map(({ kernel, inputs, attrs, outputs, scope }) => [
      kernel,
      inputs.map(used),
      attrs,
      outputs.map(made),
      scope,
    ]),
    program.outputs.map(({ name, value }) => [name, used(value)]),
    program.updates.map(({ state, value }) => [state, used(value)]),
  ];
  return sha256Hex(JSON.stringify(parts, exactNumber));
}

/** Numbers that JSON does not tell apart, as texts that no attribute has. */
function exactNumber(_key: string, value: unknown): unknown {
  if (typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return `number ${Object.is(value, -0) ? "-0" : value}`;
}
