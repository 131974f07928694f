/**
 * `deno task cache [--clean]`: size and content of prepared data and of lowered programs; removal.
 *
 * @module
 */
import { formatBytes } from "../core/format.ts";
import { Cache } from "../run/store/cache.ts";
import { measureGraphs } from "../run/store/graphs.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";
import { textTable } from "./terminal/text_table.ts";

const COMMAND: CommandSpec = {
  name: "cache",
  summary: "Shows prepared data and lowered programs, or removes them.",
  taskFlags: [
    { name: "cache", value: "dir", help: "the folder of prepared data", default: "cache" },
    { name: "clean", help: "remove all of it; it is made again when it is needed" },
  ],
};

/** Shows or cleans the cache; returns the exit code. */
export function cache(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const store = new Cache(parsed.task.cache ?? "cache");
    const entries = await store.list();
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    const graphs = await measureGraphs(store.directory);
    const kept = "clean" in parsed.task ? await store.clean() : [];
    const verb = "clean" in parsed.task ? "removed" : "total";
    if ("json" in parsed.task) {
      printJson({
        directory: store.directory,
        bytes,
        graphs,
        cleaned: "clean" in parsed.task,
        kept,
        entries: entries.map(({ key, bytes, entry }) => ({
          key,
          bytes,
          plugin: entry?.plugin ?? null,
          created: entry?.created ?? null,
          source: entry?.source ?? null,
        })),
      });
      return EXIT.ok;
    }
    if (entries.length > 0) {
      print(textTable(
        ["key", "plugin", "size", "created", "content"],
        entries.map((
          { key, bytes, entry },
        ) => [
          key.slice(0, 8),
          entry?.plugin ?? "?",
          formatBytes(bytes),
          entry?.created.slice(0, 19) ?? "",
          entry?.source ?? "damaged, or not an entry",
        ]),
      ));
    }
    if (graphs.count > 0) print(`${graphs.count} lowered programs, ${formatBytes(graphs.bytes)}`);
    if (kept.length > 0) print(`kept for runs that are going on: ${kept.join(", ")}`);
    print(`${verb}: ${entries.length} entries, ${formatBytes(bytes)} in ${store.directory}`);
    return EXIT.ok;
  });
}

if (import.meta.main) await main(cache);
