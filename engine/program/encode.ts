/**
 * Programs as JSON text: constants in base64, non-finite attributes as `{"number": "Infinity"}`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Json, JsonObject } from "../../core/types.ts";
import { constantBytes } from "./hash.ts";
import type { Program, ProgramConstant, ProgramDtype, ValueType } from "./types.ts";
import { verifyProgram } from "./verify.ts";

/** The JSON text of a program; {@linkcode parseProgram} reads it back. */
export function encodeProgram(program: Program): string {
  return JSON.stringify({
    format: program.format,
    name: program.name,
    values: program.values,
    inputs: program.inputs,
    state: program.state,
    constants: program.constants.map((constant) => ({
      value: constant.value,
      data: Buffer.from(constantBytes(constant, program.values[constant.value]!.dtype)).toString("base64"),
    })),
    nodes: program.nodes.map((node) => ({ ...node, attrs: encodeAttrs(node.attrs) })),
    outputs: program.outputs,
    updates: program.updates,
  });
}

/**
 * Reads a program from JSON text and verifies it. Nothing in the text is trusted.
 *
 * @throws {SyntaxError} If the text is not JSON of the right form.
 * @throws {TypeError} If the program is not well-formed, see {@linkcode verifyProgram}.
 */
export function parseProgram(text: string): Program {
  const root = new Reader(parseJson(text), "program");
  const format = root.at("format").text();
  if (format !== "beamline-program/1") {
    fail("the format must be beamline-program/1", JSON.stringify(format).slice(0, 80));
  }
  const values = root.at("values").list((item): ValueType => ({
    dtype: item.at("dtype").text() as ProgramDtype,
    shape: item.at("shape").list((length) => length.number()),
  }));
  const program: Program = {
    format,
    name: root.at("name").text(),
    values,
    inputs: root.at("inputs").list((item) => ({
      name: item.at("name").text(),
      role: item.at("role").text() as "batch",
      value: item.at("value").number(),
      ...(item.has("distribution") ? { distribution: item.at("distribution").text() as "uniform" } : {}),
    })),
    state: root.at("state").list((item) => ({
      name: item.at("name").text(),
      trainable: item.at("trainable").boolean(),
      value: item.at("value").number(),
    })),
    constants: root.at("constants").list((item) => parseConstant(item, values)),
    nodes: root.at("nodes").list((item) => ({
      kernel: item.at("kernel").text(),
      inputs: item.at("inputs").list((id) => (id.isNull() ? null : id.number())),
      attrs: item.at("attrs").attrs(),
      outputs: item.at("outputs").list((id) => id.number()),
      scope: item.at("scope").text(),
    })),
    outputs: root.at("outputs").list((item) => ({
      name: item.at("name").text(),
      value: item.at("value").number(),
    })),
    updates: root.at("updates").list((item) => ({
      state: item.at("state").text(),
      value: item.at("value").number(),
    })),
  };
  verifyProgram(program);
  return program;
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text, (key, value) => {
      if (key === "__proto__" || key === "constructor" || key === "prototype") {
        fail("a key must not be a member of every object", `"${key}"`);
      }
      return value;
    });
  } catch (cause) {
    if (cause instanceof SyntaxError && cause.message.startsWith("Cannot")) throw cause;
    // V8 quotes the text, which may hold line breaks and commands to a terminal
    const reason = (cause as Error).message.replace(/, (\.\.\.)?".*$/s, "").replace(/\s+/g, " ");
    throw new SyntaxError(`Cannot read a program as the text must be JSON: ${reason}`, { cause });
  }
}

function parseConstant(item: Reader, values: readonly ValueType[]): ProgramConstant {
  const value = item.at("value").number();
  const bytes = Uint8Array.from(Buffer.from(item.at("data").text(), "base64"));
  const dtype = values[value]?.dtype;
  if (dtype === "bool") return { value, data: bytes };
  if (bytes.length % 4 !== 0) fail("constants must have whole elements", `${bytes.length} bytes`);
  const data = dtype === "float32" ? new Float32Array(bytes.buffer) : new Int32Array(bytes.buffer);
  return { value, data };
}

function encodeAttrs(attrs: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(attrs).map(([name, value]) => [
      name,
      typeof value === "number" && !Number.isFinite(value) ? { number: String(value) } : value,
    ]),
  );
}

function fail(rule: string, found: string): never {
  throw new SyntaxError(`Cannot read a program as ${rule}: found ${found}`);
}

/** A JSON value with its place, for errors. */
class Reader {
  constructor(readonly value: Json | undefined, readonly place: string) {}

  at(key: string): Reader {
    return new Reader(this.has(key) ? this.#object()[key] : undefined, `${this.place}.${key}`);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#object(), key);
  }

  text(): string {
    return this.#as("string", "a text");
  }

  number(): number {
    return this.#as("number", "a number");
  }

  boolean(): boolean {
    return this.#as("boolean", "true or false");
  }

  isNull(): boolean {
    return this.value === null;
  }

  list<T>(read: (item: Reader) => T): readonly T[] {
    if (!Array.isArray(this.value)) this.#refuse("a list");
    return (this.value as readonly Json[]).map((item, i) => read(new Reader(item, `${this.place}[${i}]`)));
  }

  attrs(): JsonObject {
    return Object.fromEntries(
      Object.entries(this.#object()).map(([name, value]) => {
        const isSpecial = value !== null && typeof value === "object" && !Array.isArray(value);
        if (!isSpecial) return [name, value];
        const text = new Reader(value, `${this.place}.${name}`).at("number").text();
        if (!["NaN", "Infinity", "-Infinity"].includes(text)) {
          fail("a special number must be known", text.slice(0, 80));
        }
        return [name, Number(text)];
      }),
    );
  }

  #as(type: "string" | "number" | "boolean", words: string): never {
    const actual: string = typeof this.value;
    if (actual !== type) this.#refuse(words);
    return this.value as never;
  }

  #object(): JsonObject {
    if (this.value === null || typeof this.value !== "object" || Array.isArray(this.value)) {
      this.#refuse("an object");
    }
    return this.value as JsonObject;
  }

  #refuse(words: string): never {
    const found = this.value === undefined ? "nothing" : JSON.stringify(this.value).slice(0, 80);
    throw new SyntaxError(`Cannot read a program as ${this.place} must be ${words}: found ${found}`);
  }
}
