/**
 * Running a plugin from code, in this process: for notebooks and tests.
 *
 * @module
 */
import type { z } from "zod";
import type { Plugin } from "../core/plugin.ts";
import type { JsonObject, Metrics } from "../core/types.ts";

/** Options of {@linkcode run}. */
export interface RunOptions {
  /** Values of the plugin's configuration. @default its defaults */
  readonly config?: JsonObject;
  /** @default none */
  readonly preset?: string;
  /** @default the whole experiment */
  readonly action?: string;
  /** @default 0 */
  readonly seed?: number;
  /** @default "native" */
  readonly engine?: string;
  /** A number, or "auto" for the quickest in a short trial. @default the engine's fixed rule */
  readonly threads?: number | "auto";
  /**
   * Pretrained weights to begin with, by name and shape: a run (id, unique prefix, `latest` or path), or the path of a
   * `.safetensors` file or of a `model.json`. @default those of `build`
   */
  readonly init?: string;
  /** The folder that takes the place of `runs/`. @default "runs" */
  readonly out?: string;
  /** The folder of prepared data. @default "cache" */
  readonly cache?: string;
}

/** What {@linkcode run} returns. */
export interface RunResult {
  /** The run directory; absolute. */
  readonly run: string;
  readonly metrics: Metrics;
  readonly results: JsonObject;
}

/**
 * Runs a plugin in this process: same hooks, same run directory, no sandbox. For code that you trust.
 *
 * @throws {ConfigError} If the configuration is not valid; lists every problem.
 * @throws {PluginError} If a hook throws.
 * @throws {ConfigError} If no weight of `init` fits.
 */
export async function run<S extends z.ZodObject, F extends JsonObject>(
  plugin: Plugin<S, F>,
  options: RunOptions = {},
): Promise<RunResult> {
  const { execute } = await import("./stages/execute.ts");
  const { NEVER_STOP } = await import("./stages/request.ts");
  const { inProcessSource } = await import("./hooks/plugin_source.ts");
  const outcome = await execute({
    source: inProcessSource(plugin as unknown as Plugin),
    config: {
      preset: options.preset,
      layers: [{ source: "options.config", values: options.config ?? {} }],
      flags: {},
      workingDirectory: Deno.cwd(),
    },
    action: options.action,
    seed: options.seed ?? 0,
    engine: options.engine ?? "native",
    threads: options.threads,
    init: options.init,
    out: options.out ?? "runs",
    cache: options.cache ?? "cache",
    command: ["run", plugin.name],
    listener: {},
    stop: NEVER_STOP,
  });
  return { run: outcome.run.path, metrics: outcome.metrics, results: outcome.results };
}
