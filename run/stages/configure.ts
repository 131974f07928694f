/**
 * Stage "configure": from what was asked for to values that the plugin accepts, and the files that they name.
 *
 * @module
 */
import { z } from "zod";
import type { Description } from "../../sandbox/protocol/description.ts";
import {
  checkInputPaths,
  type ConfigRequest,
  inputPathsOf,
  type ParseAnswer,
  readLayers,
  resolveConfig,
  type ResolvedConfig,
} from "../config/config.ts";
import { flagsOf } from "../../core/flags.ts";
import { mergeConfig } from "../../core/merge.ts";
import type { Hooks } from "../hooks/workspace.ts";
import { digestInputs, type InputFile } from "../provenance/provenance.ts";

/** What the stage is given. */
export interface ConfigureInput {
  readonly description: Description;
  readonly config: ConfigRequest;
  /** Files given after the action; absolute. */
  readonly files: readonly string[];
  /** Opens the hooks of the plugin, which then may read these paths. */
  open(read: readonly string[]): Promise<Hooks>;
}

/** What it gives. */
export interface Configured {
  readonly config: ResolvedConfig;
  /** What the configuration names. */
  readonly inputs: readonly InputFile[];
  /** What was given after the action; prepared data do not depend on it. */
  readonly files: readonly InputFile[];
}

/** What the hook "parse" gives; its form was checked where it entered the host. */
export const parseAnswer: z.ZodType<ParseAnswer> = z.custom<ParseAnswer>();

/**
 * Merges and validates the configuration, and digests what it names.
 *
 * @throws {ConfigError} With every problem, its source and the nearest known name.
 * @throws {DataError} If a file that it names is not there.
 */
export async function configure(input: ConfigureInput): Promise<Configured> {
  const { description } = input;
  const flags = flagsOf(description.schema);
  const merged = mergeConfig(await readLayers(input.config, description));
  const inputPaths = inputPathsOf(merged.values, flags);
  const issues = input.config.issues ?? [];
  const isClean = issues.length === 0;
  if (isClean) await checkInputPaths(inputPaths, flags);
  const hooks = await input.open(isClean ? Object.values(inputPaths) : []);
  const answer = await hooks.call("parse", { values: merged.values }, parseAnswer);
  const config = resolveConfig(description, merged, answer, issues);
  return {
    config,
    inputs: await digestInputs(Object.values(config.inputPaths)),
    files: await digestInputs(input.files),
  };
}
