/**
 * What makes a run this run: plugin, configuration, inputs, seed, engine. A hash over them is its identity.
 *
 * @module
 */
import { sha256Hex } from "../../core/hash.ts";
import type { InitRecord, RepeatRecord } from "../../core/records.ts";
import { canonicalJson } from "../../core/json.ts";
import type { Fold, Json, JsonObject } from "../../core/types.ts";
import { mapPaths } from "./config.ts";
import type { Flag } from "../../core/flags.ts";

/** What the identity is made of. */
export interface IdentityParts {
  readonly plugin: string;
  /** "run" for the whole experiment, else the action. */
  readonly action: string;
  /** Where an input lies does not count; `inputs` says what it is. */
  readonly values: JsonObject;
  readonly flags: readonly Flag[];
  readonly inputs: readonly { readonly name: string; readonly sha256: string }[];
  readonly seed: number;
  readonly engine: string;
  /** The pretrained weights that the run began with; a run without has the hash that it always had. */
  readonly init?: InitRecord | undefined;
  /** The same holds for a run without a fold. */
  readonly fold?: Fold | undefined;
  /** Of a group: its runs. */
  readonly members?: RepeatRecord["members"] | undefined;
}

/** `configHash` of `run.json`. */
export function configHash(
  { plugin, action, values, flags, inputs, seed, engine, init, fold, members }: IdentityParts,
): string {
  return sha256Hex(canonicalJson({
    plugin,
    action,
    values: mapPaths(values, flags, () => "input"),
    inputs: inputs.map(({ name, sha256 }) => ({ name, sha256 })),
    seed,
    engine,
    ...(fold ? { fold } : {}),
    ...(members ? { members } : {}),
    ...(init ? { init: Object.entries(init.kept).map(([model, { sha256 }]) => ({ model, sha256 })) } : {}),
  } as unknown as Json));
}
