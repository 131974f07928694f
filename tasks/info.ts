/**
 * `deno task info <plugin|path>`: flags, data, models, metrics, permissions, limits.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { permissionFlags } from "../sandbox/host/host.ts";
import { limitsFor } from "../sandbox/protocol/limits.ts";
import { type Flag, flagsOf, isSwitch } from "../core/flags.ts";
import type { Manifest } from "../registry/manifest.ts";
import type { Description } from "../sandbox/protocol/description.ts";
import { isHelpAsked } from "./shared/command.ts";
import { openExperiment, printHelpWithoutPlugin } from "./shared/experiment.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { paint, print, printJson } from "./terminal/print.ts";
import { textTable } from "./terminal/text_table.ts";

/** Prints what is known of a plugin; returns the exit code. */
export async function info(args: readonly string[]): Promise<number> {
  const [reference, ...rest] = args;
  if (reference === undefined || reference.startsWith("-")) {
    if (isHelpAsked(args)) {
      return printHelpWithoutPlugin(
        "info",
        "Says what a plugin needs and gives: flags, data, models, metrics.",
      );
    }
    throw new ConfigError(
      "Cannot show a plugin as the first argument must name one: none found; deno task list prints them",
    );
  }
  const { location, description, parsed } = await openExperiment("info", reference, rest);
  if (parsed.help !== undefined) {
    print(parsed.help.split("\n"));
    return EXIT.ok;
  }
  const { manifest, directory, origin } = location;
  const limits = limitsFor(manifest);
  const permissions = permissionFlags(location, { read: [] });
  if ("json" in parsed.task) {
    printJson({ ...description, origin, directory, data: manifest.data, permissions, limits });
    return EXIT.ok;
  }
  print(`${manifest.name}: ${description.title} (${origin})`);
  for (const { title, header, rows } of sectionsOf(description, manifest.data, permissions, limits.seconds)) {
    if (rows.length > 0) print(["", paint(title, "bold"), ...textTable(header, rows)]);
  }
  print(`memory of the sandbox: ${limits.memoryBytes / 2 ** 30} GiB`);
  return EXIT.ok;
}

/** One table of what is known of a plugin. */
export interface InfoSection {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What is known of a plugin, table by table. */
export function sectionsOf(
  { schema, presets, models, actions, metrics }: Description,
  data: Manifest["data"],
  permissions: readonly string[],
  seconds: { readonly [hook: string]: number },
): InfoSection[] {
  const titled = (entries: { readonly [name: string]: { readonly title: string } }): string[][] =>
    Object.entries(entries).map(([name, { title }]) => [name, title]);
  return [
    { title: "Flags", header: ["flag", "default", "help"], rows: flagsOf(schema).map(flagRow) },
    {
      title: "Presets",
      header: ["preset", "values"],
      rows: Object.entries(presets).map(([name, values]) => [name, JSON.stringify(values)]),
    },
    { title: "Models", header: ["model", "title"], rows: titled(models) },
    { title: "Actions", header: ["action", "title"], rows: titled(actions) },
    {
      title: "Metrics",
      header: ["key", "meaning", "unit", "better"],
      rows: metrics.map(({ key, label, unit, better }) => [key, label, unit, better]),
    },
    { title: "Data", header: ["file", "url"], rows: data.map(({ file, url }) => [file, url]) },
    {
      title: "Permissions of the sandbox, beside data given with flags and its shared directory",
      header: ["flag"],
      rows: permissions.map((flag) => [flag]),
    },
    {
      title: "Limits",
      header: ["hook", "seconds"],
      rows: Object.entries(seconds).map(([hook, limit]) => [hook, String(limit)]),
    },
  ];
}

function flagRow(flag: Flag): string[] {
  const { name, default: fallback, value, help } = flag;
  return [
    isSwitch(flag) ? `--${name}, --no-${name}` : `--${name}`,
    fallback === undefined ? "" : typeof fallback === "string" ? fallback : JSON.stringify(fallback),
    value.kind === "choice" ? `${help} (${value.values.join(", ")})` : help,
  ];
}

if (import.meta.main) await main(info);
