/**
 * Programs and initial state of a model as files: what tracing wrote, read and checked again.
 *
 * @module
 */
import { PluginError } from "../../core/errors.ts";
import { parseProgram, type Program, verifyProgram } from "../../engine/mod.ts";
import type { Tensors } from "../../engine/runtimes/types.ts";
import { join } from "../../files/paths.ts";
import { readSafetensors } from "../../formats/safetensors.ts";

/** Where programs and initial state of a model lie. */
export interface ProgramFiles {
  /** Folder with `<program>.json` and `state.safetensors`. */
  readonly directory: string;
  readonly programs: readonly string[];
  /** File of a program in the folder. @default "<program>.json" */
  readonly fileOf?: (program: string) => string;
  /** Named in the error of a program that is not sound. */
  readonly plugin: string;
}

/** The state that tracing wrote. */
export async function readInitialState({ directory }: Pick<ProgramFiles, "directory">): Promise<Tensors> {
  return (await readSafetensors(join(directory, "state.safetensors"))).tensors as Tensors;
}

/**
 * Reads programs and checks them: a sandbox wrote the files.
 *
 * @throws {PluginError} If one is missing or not sound.
 */
export async function readPrograms(request: ProgramFiles): Promise<{ readonly [name: string]: Program }> {
  const programs: { [name: string]: Program } = {};
  for (const name of request.programs) {
    const file = join(request.directory, request.fileOf?.(name) ?? `${name}.json`);
    try {
      const program = parseProgram(await Deno.readTextFile(file));
      verifyProgram(program);
      programs[name] = program;
    } catch (cause) {
      throw new PluginError((cause as Error).message, request.plugin, "trace", { cause });
    }
  }
  return programs;
}
