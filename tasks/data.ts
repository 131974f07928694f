/**
 * `deno task data fetch|simulate|inspect <plugin>`: the files that a manifest names; simulated ones in the same format;
 * what is in a file.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import { fetchData } from "./data/fetch.ts";
import { inspect } from "./data/inspect.ts";
import { simulate } from "./data/simulate.ts";
import { main } from "./terminal/main.ts";

const VERBS: { readonly [verb: string]: (plugin: string, args: readonly string[]) => Promise<number> } = {
  fetch: fetchData,
  simulate,
  inspect,
};

/** Works on data; returns the exit code. */
export async function data(args: readonly string[]): Promise<number> {
  const [verb, plugin, ...rest] = args;
  const known = Object.keys(VERBS);
  if (verb === undefined || !known.includes(verb)) {
    const nearest = nearestName(verb ?? "", known);
    throw new ConfigError(
      `Cannot work on data as the first argument must be one of ${known.join(", ")}: found ${
        verb ?? "nothing"
      }` +
        (nearest ? `; did you mean "${nearest}"?` : ""),
    );
  }
  if (plugin === undefined || plugin.startsWith("-")) {
    throw new ConfigError(`Cannot ${verb} as the second argument must name a plugin or a file: none found`);
  }
  return await VERBS[verb]!(plugin, rest);
}

if (import.meta.main) await main(data);
