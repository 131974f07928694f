/**
 * `deno task list`: the plugins there are. Reads manifests only; no plugin code runs.
 *
 * @module
 */
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { listPlugins } from "../registry/plugins.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson, tell } from "./terminal/print.ts";
import { textTable } from "./terminal/text_table.ts";

const COMMAND: CommandSpec = {
  name: "list",
  summary: "Lists the plugins there are; no code of them runs.",
  taskFlags: [],
};

/**
 * Lists plugins; returns the exit code.
 *
 * @param directory Where the user's `deno.json` is. @default the working directory
 */
export function list(args: readonly string[], directory: string = Deno.cwd()): Promise<number> {
  return withCommand(COMMAND, args, async ({ task }) => {
    const broken: { readonly name: string; readonly message: string }[] = [];
    const plugins = await listPlugins(BUILT_IN_PLUGINS, directory, ({ name, error: { message } }) => {
      broken.push({ name, message });
      tell(`left out  ${name}: ${message}`);
    });
    if ("json" in task) {
      printJson({
        plugins: plugins.map(({ manifest, directory, origin }) => ({
          name: manifest.name,
          title: manifest.title,
          origin,
          directory,
        })),
        ...(broken.length > 0 ? { broken } : {}),
      });
      return EXIT.ok;
    }
    const rows = plugins.map(({ manifest, origin }) => [manifest.name, manifest.title, origin]);
    print(textTable(["plugin", "title", "from"], rows));
    return plugins.length > 0 ? EXIT.ok : EXIT.nothingMatched;
  });
}

if (import.meta.main) await main(list);
