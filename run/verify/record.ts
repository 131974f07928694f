/**
 * Whether the record of a run still belongs to its configuration hash.
 *
 * @module
 */
import type { ConfigRecord, InputsRecord } from "../../core/records.ts";
import { ENGINE_NAMES } from "../../engine/mod.ts";
import type { Flag } from "../../core/flags.ts";
import { configHash } from "../config/identity.ts";
import type { EnvironmentDifference } from "../provenance/environment_diff.ts";
import { readRunJson } from "../replay/replay.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import { different, equal } from "./results.ts";
import type { Result } from "./types.ts";

/** Seeds that are tried when the record does not belong to its hash. */
const TRIED_SEEDS = 1000;

/** The result for the record; `circumstances` gives the original seed, if it is found. */
export interface RecordResult {
  readonly result: Result;
  readonly circumstances: readonly EnvironmentDifference[];
}

/**
 * Whether `run.json`, `config.json` and `inputs.json` still belong to the configuration hash of the run.
 *
 * @param flags Flags of the plugin; they say which values are input paths.
 */
export async function compareRecord(run: RunDirectory, flags: readonly Flag[]): Promise<RecordResult> {
  const { record } = run;
  const belongs = await membership(run, flags);
  const short = record.configHash.slice(0, 8);
  if (belongs(record.seed)) {
    return { result: equal(`belongs to configuration hash ${short}`), circumstances: [] };
  }
  const seed = seedThat(belongs, record.command);
  if (seed === undefined) {
    const detail = `run.json, config.json or inputs.json do not belong to configuration hash ${short}`;
    return { result: different(detail), circumstances: [] };
  }
  return {
    result: different(
      `run.json says seed ${record.seed}, configuration hash ${short} belongs to seed ${seed}`,
    ),
    circumstances: [{ what: "seed", before: String(seed), now: String(record.seed) }],
  };
}

/**
 * Decides whether the rest of the record with some seed gives the hash; for a run without an engine, with any
 * engine.
 */
async function membership(run: RunDirectory, flags: readonly Flag[]): Promise<(seed: number) => boolean> {
  const { plugin: { name: plugin }, action, engine: recorded, configHash: expected } = run.record;
  const { init, fold, repeat } = run.record;
  const { values } = await readRunJson<ConfigRecord>(run, "config.json");
  const inputs = await readRunJson<InputsRecord>(run, "provenance/inputs.json");
  const engines = recorded ? [recorded.name] : ENGINE_NAMES;
  return (seed) =>
    engines.some((engine) =>
      configHash({
        plugin,
        action,
        values,
        flags,
        inputs,
        seed,
        engine,
        init,
        fold,
        members: repeat?.members,
      }) ===
        expected
    );
}

/** The seed that was typed, or a small one, if the record with it gives the hash. */
function seedThat(belongs: (seed: number) => boolean, command: readonly string[]): number | undefined {
  const typed = typedSeed(command);
  if (typed !== undefined && belongs(typed)) return typed;
  for (let seed = 0; seed < TRIED_SEEDS; seed++) if (belongs(seed)) return seed;
  return undefined;
}

function typedSeed(command: readonly string[]): number | undefined {
  const at = command.findIndex((word) => word === "--seed" || word.startsWith("--seed="));
  const text = at < 0 ? undefined : command[at]!.split("=")[1] ?? command[at + 1];
  const seed = Number(text);
  return text !== undefined && Number.isSafeInteger(seed) && seed >= 0 ? seed : undefined;
}
