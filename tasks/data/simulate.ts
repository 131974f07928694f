/**
 * `deno task data simulate <plugin>`: simulated files in the format that the plugin reads.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { Json } from "../../core/types.ts";
import { mergeConfig } from "../../core/merge.ts";
import { Cache } from "../../run/store/cache.ts";
import { type ParseAnswer, readLayers, resolveConfig } from "../../run/config/config.ts";
import { sha256File, sha256Source } from "../../data/digest.ts";
import { exists } from "../../files/atomic.ts";
import { join, resolve } from "../../files/paths.ts";
import type { TakenFolder } from "../../sandbox/host/taken.ts";
import { openExperiment, seedOf } from "../shared/experiment.ts";
import { terminalListener } from "../terminal/progress.ts";
import { userDirectory } from "../finding/user_paths.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { print, printJson } from "../terminal/print.ts";

/** Writes simulated files; `--out` is the folder (default: data/<plugin>). */
export async function simulate(reference: string, args: readonly string[]): Promise<number> {
  const { source, description, parsed } = await openExperiment("data simulate", reference, args);
  if (parsed.help !== undefined) {
    print(parsed.help.split("\n"));
    return EXIT.ok;
  }
  const out = resolve(parsed.task.out ?? join("data", source.name));
  const cache = new Cache(parsed.task.cache ?? "cache");
  const shared = await cache.scratchShared();
  const sharedDirectory = shared.path;
  const host = await source.open({ read: [], sharedDirectory, denoDir: await cache.denoDir(source.name) });
  try {
    const request = {
      preset: parsed.task.preset,
      file: parsed.task.config,
      flags: parsed.flags,
      workingDirectory: userDirectory(),
    };
    const merged = mergeConfig(await readLayers(request, description));
    const answer = await host.call("parse", { values: merged.values }) as unknown as ParseAnswer;
    const config = resolveConfig(description, merged, answer, parsed.issues);
    const listener = terminalListener("quiet" in parsed.task);
    const names = await host.call("simulate", { config: config.values, seed: seedOf(parsed) } as Json, {
      onEvent: (event) => listener.onEvent?.(event),
    }) as string[];
    await host.close(); // what it left changes no more
    const taken = shared.take("files", { plugin: source.name, hook: "simulate" });
    const files = await placeFiles(taken, names, out);
    if ("json" in parsed.task) printJson({ simulated: true, files });
    else for (const file of files) print(`wrote  ${file}  (simulated)`);
  } finally {
    await host.close();
    await shared.remove();
  }
  return EXIT.ok;
}

/**
 * Moves files of a sandbox that has ended. Files that are there already are not replaced: those of the same bytes stay, so
 * that a simulation that was killed can be done again.
 *
 * @throws {PluginError} If one is no plain file.
 */
export async function placeFiles(
  from: TakenFolder,
  names: readonly string[],
  out: string,
): Promise<string[]> {
  const targets = names.map((name) => join(out, name));
  for (const [i, target] of targets.entries()) {
    if (await exists(target) && !await isSame(from, names[i]!, target)) {
      throw new ConfigError(
        `Cannot write "${target}" as a simulated file must not replace another: one with other content is there; choose --out`,
      );
    }
  }
  await Deno.mkdir(out, { recursive: true });
  for (const name of names) from.open(name).close(); // all or none
  for (const [i, name] of names.entries()) {
    if (!await exists(targets[i]!)) await from.move(name, targets[i]!);
  }
  return targets;
}

/** Whether a file that is there has the bytes of the one that was simulated. */
async function isSame(from: TakenFolder, name: string, target: string): Promise<boolean> {
  if (!(await Deno.lstat(target)).isFile) return false;
  const source = from.source(name);
  try {
    return source.size === (await Deno.stat(target)).size &&
      sha256Source(source).sha256 === (await sha256File(target)).sha256;
  } finally {
    source.close();
  }
}
