/**
 * `deno task list`: the plugins there are. Reads manifests only; no plugin code runs.
 *
 * @module
 */
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { listPlugins } from "../registry/plugins.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";
import { textTable } from "./terminal/text_table.ts";

/** Lists plugins; returns the exit code. */
export async function list(args: readonly string[]): Promise<number> {
  const plugins = await listPlugins(BUILT_IN_PLUGINS, Deno.cwd());
  if (args.includes("--json")) {
    printJson({
      plugins: plugins.map(({ manifest, directory, origin }) => ({
        name: manifest.name,
        title: manifest.title,
        origin,
        directory,
      })),
    });
    return EXIT.ok;
  }
  const rows = plugins.map(({ manifest, origin }) => [manifest.name, manifest.title, origin]);
  print(textTable(["plugin", "title", "from"], rows));
  return plugins.length > 0 ? EXIT.ok : EXIT.nothingMatched;
}

if (import.meta.main) await main(list);
