/**
 * `deno task data fetch|simulate|inspect <plugin>`: the files that a manifest names; simulated ones in the same format;
 * what is in a file.
 *
 * @module
 */
import { ConfigError, DataError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import type { Json } from "../core/types.ts";
import { openNpy, openNpz, readRootTree, readSafetensors } from "../data/mod.ts";
import { Cache } from "../run/store/cache.ts";
import { mergeLayers, type ParseAnswer, readLayers, resolveConfig } from "../run/config/config.ts";
import { exists, moveFolder, removeFolder } from "../files/atomic.ts";
import { join, resolve } from "../files/paths.ts";
import { openExperiment, seedOf } from "./experiment.ts";
import { fetchData } from "./fetch.ts";
import { terminalListener } from "./progress.ts";
import { EXIT, main, print, printJson, textTable } from "./terminal.ts";

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

/** Writes simulated files; `--out` is the folder (default: data/<plugin>). */
async function simulate(reference: string, args: readonly string[]): Promise<number> {
  const { source, description, parsed } = await openExperiment("data simulate", reference, args);
  if (parsed.help !== undefined) {
    print(parsed.help);
    return EXIT.ok;
  }
  const out = resolve(parsed.task.out ?? join("data", source.name));
  const cache = new Cache(parsed.task.cache ?? "cache");
  const sharedDirectory = await cache.sharedDirectory();
  const host = await source.open({ read: [], sharedDirectory, denoDir: await cache.denoDir(source.name) });
  try {
    const request = {
      preset: parsed.task.preset,
      file: parsed.task.config,
      flags: parsed.flags,
      workingDirectory: Deno.cwd(),
    };
    const merged = mergeLayers(await readLayers(request, description));
    const answer = await host.call("parse", { values: merged.values }) as unknown as ParseAnswer;
    const config = resolveConfig(description, merged, answer, parsed.issues);
    const listener = terminalListener("quiet" in parsed.task);
    const names = await host.call("simulate", { config: config.values, seed: seedOf(parsed) } as Json, {
      onEvent: (event) => listener.onEvent?.(event),
    }) as string[];
    const files = await place(join(sharedDirectory, "files"), names, out);
    if ("json" in parsed.task) printJson({ simulated: true, files });
    else for (const file of files) print(`wrote  ${file}  (simulated)`);
  } finally {
    await host.close();
    await removeFolder(sharedDirectory);
  }
  return EXIT.ok;
}

/** Moves files out of the shared directory; files that are there already are not replaced. */
async function place(from: string, names: readonly string[], out: string): Promise<string[]> {
  const targets = names.map((name) => join(out, name));
  for (const target of targets) {
    if (await exists(target)) {
      throw new ConfigError(
        `Cannot write "${target}" as a simulated file must not replace another: it is there already; choose --out`,
      );
    }
  }
  await Deno.mkdir(out, { recursive: true });
  for (const [i, name] of names.entries()) await moveFolder(join(from, name), targets[i]!);
  return targets;
}

/** Arrays of a file: name, dtype, shape. */
async function inspect(path: string, args: readonly string[]): Promise<number> {
  const file = args.find((arg) => !arg.startsWith("-")) ?? path;
  if (!await exists(file)) throw new DataError(`Cannot read "${file}" as there is no such file`, file);
  const arrays = await arraysOf(file);
  if (args.includes("--json")) printJson({ file: resolve(file), arrays });
  else {print(
      textTable(
        ["array", "dtype", "shape"],
        arrays.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(",")}]`]),
      ),
    );}
  return EXIT.ok;
}

interface ArrayInfo {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

async function arraysOf(file: string): Promise<ArrayInfo[]> {
  const kind = file.split(".").at(-1)?.toLowerCase() ?? "";
  const reader = READERS[kind];
  if (reader) return await reader(file);
  throw new DataError(
    `Cannot inspect "${file}" as its ending must be one of ${
      Object.keys(READERS).join(", ")
    }: found "${kind}"`,
    file,
  );
}

const READERS: { readonly [ending: string]: (file: string) => Promise<ArrayInfo[]> } = {
  npy: async (file) => {
    const npy = await openNpy(file);
    const { dtype, shape } = npy;
    await npy.close();
    return [{ name: "", dtype, shape }];
  },
  npz: async (file) => {
    const npz = await openNpz(file);
    try {
      const found: ArrayInfo[] = [];
      for (const name of npz.names) {
        const { dtype, shape } = await npz.header(name);
        found.push({ name, dtype, shape });
      }
      return found;
    } finally {
      await npz.close();
    }
  },
  safetensors: async (file) => {
    const { tensors } = await readSafetensors(file);
    return Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  },
  root: async (file) => {
    const tree = await readRootTree(file);
    return Object.entries(tree.columns).map(([name, column]) => {
      const values = "values" in column ? column.values : column;
      return {
        name: "values" in column ? `${name} (jagged)` : name,
        dtype: values.dtype,
        shape: values.shape,
      };
    });
  },
};

if (import.meta.main) await main(data);
