/**
 * Programs and initial state of a model as files: what tracing wrote, read and checked again.
 *
 * @module
 */
import { PluginError } from "../../core/errors.ts";
import { parseProgram, type Program, verifyProgram } from "../../engine/mod.ts";
import type { Tensors } from "../../engine/runtimes/types.ts";
import type { ByteSource } from "../../formats/byte_source.ts";
import { readSafetensorsSource } from "../../formats/safetensors.ts";

/** Where programs and initial state of a model lie. */
export interface ProgramFiles {
  /** Reads a file of the folder: once, so that what is checked is what is used. */
  readonly read: (file: string) => Uint8Array;
  readonly programs: readonly string[];
  /** File of a program in the folder. @default "<program>.json" */
  readonly fileOf?: (program: string) => string;
  /** The error of a program that is missing or not sound: who wrote the file is at fault. */
  readonly fault: (message: string, cause: Error) => Error;
}

/** Name of the file of the initial state. */
export const STATE_FILE = "state.safetensors";

/** The state that tracing wrote, from its open file, which is closed. */
export function readInitialState(source: ByteSource): Tensors {
  return readSafetensorsSource(source).tensors as Tensors;
}

/**
 * Reads programs and checks them: somebody else wrote the files.
 *
 * @throws What `fault` makes of a program that is missing or not sound.
 */
export function readPrograms(request: ProgramFiles): { readonly [name: string]: Program } {
  const programs: { [name: string]: Program } = {};
  for (const name of request.programs) {
    try {
      const bytes = request.read(request.fileOf?.(name) ?? `${name}.json`);
      const program = parseProgram(new TextDecoder().decode(bytes));
      verifyProgram(program);
      programs[name] = program;
    } catch (cause) {
      if (cause instanceof PluginError) throw cause;
      throw request.fault((cause as Error).message, cause as Error);
    }
  }
  return programs;
}
