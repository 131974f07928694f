/**
 * Programs as text, for people and for golden tests.
 *
 * Values are numbered in the order in which they appear: inputs, then results of nodes. State is written `$name`,
 * scalar constants are written where they are used, other constants are `#0`, `#1`, ...
 *
 * @module
 */
import { sha256Hex } from "../../core/hash.ts";
import type { Json } from "../../core/types.ts";
import { formatType } from "./kernels.ts";
import type { Program, ProgramConstant, ProgramDtype, ValueId } from "./types.ts";

/** What {@linkcode printProgram} shows. */
export interface PrintOptions {
  /** Whether each node ends with the layer it came from. @default false */
  readonly scopes?: boolean;
}

/**
 * A stable text: equal programs give equal texts, and ids do not matter, only the order of nodes.
 *
 * @example
 * ```text
 * program "predict"
 * inputs
 *   %0: float32[64,25] = batch "windows"
 * state
 *   $dense1/kernel: float32[25,3]
 * nodes
 *   %1: float32[64,3] = BatchMatMul(%0, $dense1/kernel) {transposeA: false, transposeB: false}
 * outputs
 *   energy = %1
 * ```
 */
export function printProgram(program: Program, options: PrintOptions = {}): string {
  const names = nameValues(program);
  const type = (id: ValueId) => formatType(program.values[id]);
  const name = (id: ValueId | null) => (id === null ? "-" : names.get(id) ?? `?${id}`);
  const nodes = program.nodes.map((node) => {
    const outputs = node.outputs.map((id) => `${name(id)}: ${type(id)}`).join(", ");
    const attrs = Object.keys(node.attrs).length === 0 ? "" : ` ${formatAttrs(node.attrs)}`;
    const scope = options.scopes && node.scope ? `  // ${node.scope}` : "";
    return `${outputs} = ${node.kernel}(${node.inputs.map(name).join(", ")})${attrs}${scope}`;
  });
  const inputs = program.inputs.map((input) =>
    `${name(input.value)}: ${type(input.value)} = ${input.role} ${JSON.stringify(input.name)}` +
    (input.distribution ? ` ${input.distribution}` : "")
  );
  const state = program.state.map((entry) =>
    `${name(entry.value)}: ${type(entry.value)}${entry.trainable ? "" : " fixed"}`
  );
  const constants = program.constants
    .filter((constant) => name(constant.value).startsWith("#"))
    .map((constant) => `${name(constant.value)}: ${type(constant.value)} = ${formatData(constant, program)}`);
  const outputs = program.outputs.map((output) => `${output.name} = ${name(output.value)}`);
  const updates = program.updates.map((update) => `$${update.state} = ${name(update.value)}`);
  return [
    `program ${JSON.stringify(program.name)}`,
    ...section("inputs", inputs),
    ...section("state", state),
    ...section("constants", constants),
    ...section("nodes", nodes),
    ...section("outputs", outputs),
    ...section("updates", updates),
    "",
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

function nameValues(program: Program): ReadonlyMap<ValueId, string> {
  const names = new Map<ValueId, string>();
  let numbered = 0;
  let arrays = 0;
  for (const input of program.inputs) names.set(input.value, `%${numbered++}`);
  for (const state of program.state) names.set(state.value, `$${state.name}`);
  for (const constant of program.constants) {
    const type = program.values[constant.value];
    const isInline = type?.shape.length === 0 && constant.data.length === 1;
    names.set(constant.value, isInline ? formatScalar(constant.data[0]!, type.dtype) : `#${arrays++}`);
  }
  for (const node of program.nodes) {
    for (const output of node.outputs) names.set(output, `%${numbered++}`);
  }
  return names;
}

function formatScalar(value: number, dtype: ProgramDtype): string {
  if (dtype === "float32") return formatFloat32(value);
  return dtype === "int32" ? `int32(${value})` : `bool(${value})`;
}

/** The shortest decimal that is this float32 number. */
export function formatFloat32(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return Object.is(value, -0) ? "-0" : `${value}`;
  const rounded = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const text = rounded.toPrecision(digits);
    if (Math.fround(Number(text)) === rounded) return `${Number(text)}`;
  }
  return `${Number(rounded.toPrecision(9))}`;
}

function formatData(constant: ProgramConstant, program: Program): string {
  const { data } = constant;
  const dtype = program.values[constant.value]!.dtype;
  const number = (value: number) => (dtype === "float32" ? formatFloat32(value) : `${value}`);
  if (data.length <= 16) return `[${Array.from(data, number).join(", ")}]`;
  const ends = [...data.slice(0, 3), ...data.slice(-1)].map(number);
  const digest = sha256Hex(new Uint8Array(Float32Array.from(data).buffer)).slice(0, 8);
  return `[${ends.slice(0, 3).join(", ")}, ..., ${ends[3]}] (sha256 ${digest})`;
}

function formatAttrs(attrs: { readonly [name: string]: Json }): string {
  const entries = Object.entries(attrs).map(([name, value]) => `${name}: ${formatJson(value)}`);
  return `{${entries.sort().join(", ")}}`;
}

function formatJson(value: Json): string {
  if (typeof value === "number") return `${value}`;
  if (Array.isArray(value)) return `[${value.map(formatJson).join(",")}]`;
  return JSON.stringify(value);
}
