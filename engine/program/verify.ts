/**
 * Checks of whole programs: after tracing, after every pass, and on every program that comes from outside.
 *
 * @module
 */
import { sizeOf } from "../../core/types.ts";
import { formatType, inferKernel, isKernel, REFUSED_KERNELS, ruleOf } from "./kernels.ts";
import type { Program, ProgramNode, ValueId, ValueType } from "./types.ts";

/** Bounds of a program; a hostile one must not exhaust the host. */
export const PROGRAM_LIMITS = {
  /** Nodes of a program. */
  nodes: 200_000,
  /** Values of a program. */
  values: 400_000,
  /** Elements of one value. */
  elements: 2 ** 31,
  /** Dimensions of one value. */
  rank: 8,
  /** Bytes of all constants together. */
  constantBytes: 2 ** 31,
  /** Inputs, state tensors, outputs: of each. */
  names: 20_000,
  /** Characters of a name. */
  nameLength: 256,
  /** Numbers that a kernel without input makes, which become a constant when the program is compiled. */
  madeElements: 2 ** 24,
} as const;

const DTYPES: readonly string[] = ["float32", "int32", "bool"];
const ROLES: readonly string[] = ["batch", "scalar", "random"];
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;
/** Names that are also members of every object. */
const RESERVED: readonly string[] = ["__proto__", "constructor", "prototype"];

/**
 * Checks everything that an engine relies on: ids in range, every value defined exactly once and before its use,
 * shapes and dtypes as {@linkcode inferKernel} computes them, updates of the type of their state, unique names,
 * sizes within {@linkcode PROGRAM_LIMITS}.
 *
 * @throws {TypeError} If a rule is broken, with the place.
 */
export function verifyProgram(program: Program): void {
  const verifier = new Verifier(program);
  verifier.run();
}

/** A text of the program in a message: a hostile one may be of any length. */
function short(text: string): string {
  return text.length <= 400 ? text : `${text.slice(0, 400)}…`;
}

class Verifier {
  readonly #program: Program;
  readonly #defined = new Set<ValueId>();

  constructor(program: Program) {
    this.#program = program;
  }

  run(): void {
    const { values, inputs, state, constants, nodes, outputs } = this.#program;
    this.#require(
      this.#program.format === "beamline-program/1",
      "the format must be beamline-program/1",
      String(this.#program.format),
    );
    this.#bound("nodes", nodes.length, PROGRAM_LIMITS.nodes);
    this.#bound("values", values.length, PROGRAM_LIMITS.values);
    this.#bound("inputs", inputs.length, PROGRAM_LIMITS.names);
    this.#bound("state tensors", state.length, PROGRAM_LIMITS.names);
    this.#bound("outputs", outputs.length, PROGRAM_LIMITS.names);
    values.forEach((type, id) => this.#checkType(type, id));
    this.#checkNames("inputs", inputs.map((input) => input.name));
    this.#checkNames("state", state.map((entry) => entry.name));
    this.#checkNames("outputs", outputs.map((output) => output.name));
    this.#checkInputs();
    for (const entry of state) this.#define(entry.value, `state "${entry.name}"`);
    this.#checkConstants();
    constants.forEach((constant, i) => this.#define(constant.value, `constant ${i}`));
    nodes.forEach((node, i) => this.#checkNode(node, i));
    this.#require(
      this.#defined.size === values.length,
      "every value must be defined",
      `${this.#defined.size} of ${values.length}`,
    );
    for (const output of outputs) this.#use(output.value, `output "${output.name}"`);
    this.#checkUpdates();
  }

  #checkInputs(): void {
    for (const input of this.#program.inputs) {
      const place = `input "${input.name}"`;
      this.#define(input.value, place);
      this.#require(
        ROLES.includes(input.role),
        "a role must be batch, scalar or random",
        `${place} ${input.role}`,
      );
      const type = this.#program.values[input.value]!;
      if (input.role === "scalar") {
        this.#require(type.shape.length === 0, "a scalar must have shape []", `${place} ${formatType(type)}`);
      }
      if (input.role === "batch") {
        this.#require(type.shape.length >= 1, "a batch must have rows", `${place} ${formatType(type)}`);
      }
      const isRandom = input.role === "random";
      this.#require(
        isRandom
          ? (input.distribution === "uniform" || input.distribution === "normal") && type.dtype === "float32"
          : input.distribution === undefined,
        "exactly a random input has a distribution, uniform or normal, in float32",
        `${place} ${String(input.distribution)}`,
      );
    }
  }

  #checkConstants(): void {
    let bytes = 0;
    this.#program.constants.forEach((constant, i) => {
      const type = this.#program.values[constant.value];
      if (!type) return;
      const size = sizeOf(type.shape);
      bytes += size * (type.dtype === "bool" ? 1 : 4);
      this.#require(
        constant.data.length === size,
        `constant ${i} must have ${size} elements`,
        String(constant.data.length),
      );
    });
    this.#bound("bytes of constants", bytes, PROGRAM_LIMITS.constantBytes);
  }

  #checkNode(node: ProgramNode, index: number): void {
    const place = `node ${index} ${node.kernel}${node.scope ? ` in ${node.scope}` : ""}`;
    if (!isKernel(node.kernel)) {
      const reason = Object.hasOwn(REFUSED_KERNELS, node.kernel) ? `: ${REFUSED_KERNELS[node.kernel]}` : "";
      this.#fail(`the kernel must be known${reason}`, place);
    }
    const types = node.inputs.map((id) => {
      if (id === null) return null;
      this.#use(id, place);
      return this.#program.values[id]!;
    });
    let inferred: readonly ValueType[];
    try {
      inferred = inferKernel(node.kernel, types, node.attrs);
    } catch (cause) {
      throw new TypeError(
        `${this.#prefix()} every node must be well-typed: ${short(place)}: ${
          short((cause as Error).message)
        }`,
        {
          cause,
        },
      );
    }
    const made = ruleOf(node.kernel).constantSize?.(node.attrs) ?? 0;
    this.#require(
      made <= PROGRAM_LIMITS.madeElements,
      `a node must make at most ${PROGRAM_LIMITS.madeElements} numbers of its own`,
      `${made} at ${place}`,
    );
    this.#require(
      inferred.length === node.outputs.length,
      `a node must list its ${inferred.length} outputs`,
      `${place} with ${node.outputs.length}`,
    );
    node.outputs.forEach((id, i) => {
      this.#define(id, place);
      const [claimed, actual] = [formatType(this.#program.values[id]), formatType(inferred[i])];
      this.#require(claimed === actual, `output ${i} must be ${actual}`, `${claimed} at ${place}`);
    });
  }

  #checkUpdates(): void {
    const { state, updates, values } = this.#program;
    const byName = new Map(state.map((entry) => [entry.name, entry]));
    this.#checkNames("updates", updates.map((update) => update.state));
    for (const update of updates) {
      const place = `update of "${update.state}"`;
      const entry = byName.get(update.state);
      if (!entry) this.#fail("an update must name a state of the program", place);
      this.#use(update.value, place);
      const [before, after] = [formatType(values[entry.value]), formatType(values[update.value])];
      this.#require(before === after, `${place} must be ${before}`, after);
    }
  }

  #checkType(type: ValueType, id: ValueId): void {
    this.#require(DTYPES.includes(type.dtype), "a dtype must be float32, int32 or bool", `value ${id}`);
    this.#require(
      type.shape.length <= PROGRAM_LIMITS.rank,
      `a rank must be at most ${PROGRAM_LIMITS.rank}`,
      `value ${id}`,
    );
    this.#require(
      type.shape.every((length) => Number.isSafeInteger(length) && length >= 0),
      "a dimension must be a non-negative integer",
      `value ${id} [${type.shape}]`,
    );
    this.#require(
      sizeOf(type.shape) <= PROGRAM_LIMITS.elements,
      `a value must have at most ${PROGRAM_LIMITS.elements} elements`,
      `value ${id} ${formatType(type)}`,
    );
  }

  #checkNames(kind: string, names: readonly string[]): void {
    const seen = new Set<string>();
    for (const name of names) {
      const isUsable = typeof name === "string" && name !== "" && name.length <= PROGRAM_LIMITS.nameLength &&
        !CONTROL.test(name) && !RESERVED.includes(name);
      this.#require(
        isUsable,
        `names of ${kind} must be short printable texts`,
        JSON.stringify(name).slice(0, 80),
      );
      this.#require(!seen.has(name), `names of ${kind} must be unique`, `"${name}" twice`);
      seen.add(name);
    }
  }

  #define(id: ValueId, place: string): void {
    this.#inRange(id, place);
    this.#require(!this.#defined.has(id), "a value must be defined once", `value ${id} again at ${place}`);
    this.#defined.add(id);
  }

  #use(id: ValueId, place: string): void {
    this.#inRange(id, place);
    this.#require(this.#defined.has(id), "a value must be defined before its use", `value ${id} at ${place}`);
  }

  #inRange(id: ValueId, place: string): void {
    const isValid = Number.isInteger(id) && id >= 0 && id < this.#program.values.length;
    this.#require(isValid, `ids must be below ${this.#program.values.length}`, `${id} at ${place}`);
  }

  #bound(what: string, count: number, most: number): void {
    this.#require(count <= most, `it must have at most ${most} ${what}`, `${count}`);
  }

  #require(holds: boolean, rule: string, found: string): void {
    if (!holds) this.#fail(rule, found);
  }

  #fail(rule: string, found: string): never {
    throw new TypeError(`${this.#prefix()} ${short(rule)}: found ${short(found)}`);
  }

  #prefix(): string {
    return `Cannot verify program "${String(this.#program.name).slice(0, 80)}" as`;
  }
}
