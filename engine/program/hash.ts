/**
 * The structural hash: what a program computes, whatever its parts are called.
 *
 * @module
 */
import { sha256Hex } from "../../core/hash.ts";
import type { Json } from "../../core/types.ts";
import type { Program, ProgramConstant, ProgramDtype, ValueId } from "./types.ts";

/**
 * 64 hexadecimal digits. Equal for programs that differ only in names, scopes, numbering, the order of independent
 * nodes, unused nodes or repeated equal nodes; different when a kernel, attribute, type, constant, role or
 * connection differs. Inputs, state and outputs count by position.
 *
 * @param program A verified program.
 */
export function hashProgram(program: Program): string {
  const digests = new Map<ValueId, string>();
  const type = (id: ValueId) => {
    const { dtype, shape } = program.values[id]!;
    return `${dtype}[${shape}]`;
  };
  program.inputs.forEach((input, i) =>
    digests.set(input.value, sha256Hex(`input ${i} ${input.role} ${input.distribution} ${type(input.value)}`))
  );
  program.state.forEach((entry, i) =>
    digests.set(entry.value, sha256Hex(`state ${i} ${entry.trainable} ${type(entry.value)}`))
  );
  for (const constant of program.constants) {
    const bytes = constantBytes(constant, program.values[constant.value]!.dtype);
    digests.set(constant.value, sha256Hex(`constant ${type(constant.value)} ${sha256Hex(bytes)}`));
  }
  for (const node of program.nodes) {
    const inputs = node.inputs.map((id) => (id === null ? "-" : digests.get(id)));
    const digest = sha256Hex(`node ${node.kernel} ${textOfAttrs(node.attrs)} ${inputs}`);
    node.outputs.forEach((id, i) => digests.set(id, sha256Hex(`${digest} ${i} ${type(id)}`)));
  }
  const positions = new Map(program.state.map((entry, i) => [entry.name, i]));
  return sha256Hex([
    program.format,
    ...program.inputs.map((input) => digests.get(input.value)),
    ...program.state.map((entry) => digests.get(entry.value)),
    ...program.outputs.map((output) => `output ${digests.get(output.value)}`),
    ...program.updates
      .map((update) => `update ${positions.get(update.state)} ${digests.get(update.value)}`)
      .sort(),
  ].join("\n"));
}

/** Little-endian bytes of a constant in its own dtype. */
export function constantBytes(constant: ProgramConstant, dtype: ProgramDtype): Uint8Array<ArrayBuffer> {
  const { data } = constant;
  if (dtype === "bool") return Uint8Array.from(data, (value) => (value ? 1 : 0));
  const typed = dtype === "float32" ? Float32Array.from(data) : Int32Array.from(data);
  return new Uint8Array(typed.buffer);
}

/**
 * An attribute as text: JSON with sorted keys, which unlike the canonical JSON of `core/json.ts` also tells zeros and
 * non-finite numbers apart.
 */
function textOfAttrs(value: Json): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : `${value}`;
  if (Array.isArray(value)) return `[${value.map(textOfAttrs)}]`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${textOfAttrs(item)}`)}}`;
  }
  return JSON.stringify(value);
}
