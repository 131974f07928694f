/**
 * A plugin's manifest: the key `"beamline"` in its `deno.json`, read without running any of its code.
 *
 * @module
 */
import { z } from "zod";
import { DataError, NotFoundError } from "../core/errors.ts";
import { safeParseJson } from "../core/json.ts";
import { readPlainText } from "../files/plain_file.ts";
import { dirname, isAbsolute, join, resolve } from "../files/paths.ts";

/** Bytes of the largest manifest that is read. */
const MAX_MANIFEST_BYTES = 2 ** 24;

const limits = z.strictObject({
  /** Seconds a hook may take, by hook name. */
  seconds: z.record(z.string(), z.number().positive()).optional(),
  /** Bytes of memory the sandbox may use. */
  memoryBytes: z.int().positive().optional(),
});

const manifest = z.strictObject({
  name: z.string().regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    "must be lower-case letters, digits and single hyphens",
  ),
  title: z.string().min(1),
  entry: z.string().min(1).default("./mod.ts"),
  permissions: z.strictObject({ read: z.array(z.string()).default([]) }).default({ read: [] }),
  data: z.array(z.strictObject({
    file: z.string().refine(isNameInFolder, "must be a path in the folder of the data, without . and .."),
    sha256: z.string().optional(),
    url: z.string().max(4096),
  })).max(10_000).default([]),
  limits: limits.optional(),
});

/** Whether a name leads to a file in the folder that it is put into. */
function isNameInFolder(name: string): boolean {
  const parts = name.split(/[\\/]/);
  // deno-lint-ignore no-control-regex
  return name.length <= 1000 && !/[\0-\x1f\x7f]/.test(name) && !/^[A-Za-z]:/.test(name) &&
    parts.every((part) => part !== "" && part !== "." && part !== ".." && part.length <= 200);
}

/** A plugin's manifest. */
export type Manifest = z.output<typeof manifest>;

/** A manifest and where it was found; `directory` and `entry` are absolute. */
export interface PluginLocation {
  readonly manifest: Manifest;
  readonly directory: string;
  readonly entry: string;
  readonly origin: "built-in" | "deno.json" | "path";
  /** Folders beyond its own that the manifest asks to read; absolute. */
  readonly reads: readonly string[];
}

/**
 * Reads the manifest of a plugin folder.
 *
 * @throws {NotFoundError} If the folder has no `deno.json`.
 * @throws {SyntaxError} If the manifest is missing or has a wrong field.
 */
export async function readManifest(
  directory: string,
  origin: PluginLocation["origin"],
): Promise<PluginLocation> {
  const root = resolve(directory);
  const path = join(root, "deno.json");
  const text = await manifestText(path, directory);
  const json = safeParseJson(text, path) as { beamline?: unknown };
  const parsed = manifest.safeParse(json?.beamline);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = ["beamline", ...(issue?.path ?? [])].join(".");
    throw new SyntaxError(`Cannot read "${path}" as "${where}" is not right: ${issue?.message ?? "unknown"}`);
  }
  const entry = resolve(root, parsed.data.entry);
  if (entry !== root && !entry.startsWith(root + "/")) {
    throw new SyntaxError(
      `Cannot read "${path}" as "beamline.entry" must lie in the plugin's folder: "${parsed.data.entry}"`,
    );
  }
  return {
    manifest: parsed.data,
    directory: root,
    entry,
    origin,
    reads: parsed.data.permissions.read.map((folder) => isAbsolute(folder) ? folder : resolve(root, folder)),
  };
}

/** The text of a manifest. */
async function manifestText(path: string, directory: string): Promise<string> {
  const text = await configText(path);
  if (text !== undefined) return text;
  if ((await Deno.stat(directory).catch(() => undefined))?.isFile) {
    throw new NotFoundError(
      `Cannot load plugin "${directory}" as a plugin is named by its folder: found a file; try "${
        dirname(directory)
      }"`,
      "plugin",
      directory,
    );
  }
  throw new NotFoundError(
    `Cannot load plugin "${directory}" as its folder must hold a deno.json with the key "beamline": none found`,
    "plugin",
    directory,
  );
}

/**
 * The text of a `deno.json`; undefined where there is none. It may be reached by a link; a pipe, a device or an endless
 * file is not read.
 *
 * @throws {DataError} If what is there is no file that can be read, or is too large.
 */
export async function configText(path: string): Promise<string | undefined> {
  try {
    const real = await Deno.realPath(path);
    return (await Deno.stat(real)).isDirectory ? undefined : readPlainText(real, MAX_MANIFEST_BYTES);
  } catch (error) {
    if (error instanceof DataError) throw error;
    const { message, code } = error as Error & { code?: string };
    if (error instanceof Deno.errors.NotFound || code === "ENOTDIR") return undefined;
    throw new DataError(`Cannot read "${path}" as it must be readable: ${message}`, path, { cause: error });
  }
}
