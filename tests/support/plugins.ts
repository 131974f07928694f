/**
 * Plugins written to a temporary folder, for tests that need one that misbehaves.
 *
 * @module
 */
import { join } from "node:path";
import { type PluginLocation, readManifest } from "../../registry/manifest.ts";

/** The hooks of a plugin as source text. */
export interface PluginText {
  readonly name?: string;
  /** Statements before the plugin. */
  readonly head?: string;
  /** Fields of the config schema. */
  readonly config?: string;
  /** Further fields of definePlugin. */
  readonly body?: string;
}

/** Source of a plugin's entry module. */
export function pluginSource({ name = "trial", head = "", config = "", body = "" }: PluginText): string {
  return `import { definePlugin, inputPath, trainingOptions, z } from "beamline";
${head}
export default definePlugin({
  name: "${name}",
  title: "A trial",
  config: z.object({ ${config} }),
  ${body}
});
`;
}

/** Writes a plugin into a fresh folder below `parent` and reads its manifest. */
export async function writePlugin(parent: string, text: PluginText = {}): Promise<PluginLocation> {
  const name = text.name ?? "trial";
  const directory = join(parent, name);
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(
    join(directory, "deno.json"),
    JSON.stringify({ beamline: { name, title: "A trial" } }),
  );
  await Deno.writeTextFile(join(directory, "mod.ts"), pluginSource(text));
  return await readManifest(directory, "path");
}

/** Runs `work` with a temporary folder that is removed afterwards. */
export async function withTempDir(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "beamline-test-" }));
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
