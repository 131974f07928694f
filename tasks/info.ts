/**
 * `deno task info <plugin|path>`: flags, data, models, metrics, permissions, limits.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { permissionFlags } from "../sandbox/host/host.ts";
import { limitsFor } from "../sandbox/protocol/limits.ts";
import { flagsOf } from "../run/config/flags.ts";
import { openExperiment } from "./experiment.ts";
import { EXIT, main, paint, print, printJson, textTable } from "./terminal.ts";

/** Prints what is known of a plugin; returns the exit code. */
export async function info(args: readonly string[]): Promise<number> {
  const [reference, ...rest] = args;
  if (reference === undefined || reference.startsWith("-")) {
    throw new ConfigError(
      "Cannot show a plugin as the first argument must name one: none found; deno task list prints them",
    );
  }
  const { location, description, parsed } = await openExperiment("info", reference, rest);
  const { manifest, directory, origin } = location;
  const limits = limitsFor(manifest);
  const permissions = permissionFlags(location, { read: [] });
  if ("json" in parsed.task) {
    printJson({ ...description, origin, directory, data: manifest.data, permissions, limits });
    return EXIT.ok;
  }
  const section = (title: string, header: readonly string[], rows: readonly (readonly string[])[]): void => {
    if (rows.length > 0) print(`\n${paint(title, "bold")}\n${textTable(header, rows)}`);
  };
  print(`${manifest.name}: ${description.title} (${origin})`);
  section(
    "Flags",
    ["flag", "default", "help"],
    flagsOf(description.schema).map((flag) => [
      `--${flag.name}`,
      flag.default === undefined ? "" : String(flag.default),
      flag.choices ? `${flag.help} (${flag.choices.join(", ")})` : flag.help,
    ]),
  );
  section(
    "Presets",
    ["preset", "values"],
    Object.entries(description.presets).map(([name, values]) => [name, JSON.stringify(values)]),
  );
  section(
    "Models",
    ["model", "title"],
    Object.entries(description.models).map(([name, { title }]) => [name, title]),
  );
  section(
    "Actions",
    ["action", "title"],
    Object.entries(description.actions).map(([name, { title }]) => [name, title]),
  );
  section(
    "Metrics",
    ["key", "meaning", "unit", "better"],
    description.metrics.map(({ key, label, unit, better }) => [key, label, unit, better]),
  );
  section("Data", ["file", "url"], manifest.data.map(({ file, url }) => [file, url]));
  section(
    "Permissions of the sandbox, beside data given with flags and its shared directory",
    ["flag"],
    permissions.map((flag) => [flag]),
  );
  section(
    "Limits",
    ["hook", "seconds"],
    Object.entries(limits.seconds).map(([hook, seconds]) => [hook, String(seconds)]),
  );
  print(`memory of the sandbox: ${limits.memoryBytes / 2 ** 30} GiB`);
  return EXIT.ok;
}

if (import.meta.main) await main(info);
