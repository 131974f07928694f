/**
 * `deno task export <run> --onnx [--out FILE]`: the trained model of a run as an ONNX file.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { DEFAULT_PROGRAM, type ExportedFile, exportRun } from "../run/replay/export.ts";
import { describePlugin, sandboxedSource } from "../run/hooks/plugin_source.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { ACCEPT_FLAG } from "./shared/consent.ts";
import { useEngine } from "./shared/engine.ts";
import { pluginOf } from "./shared/replay.ts";
import { findRunTo } from "./shared/broken_runs.ts";
import { RUNS_FLAG, runsFolder } from "./finding/runs_folder.ts";
import { shownPath } from "./finding/user_paths.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";

const COMMAND: CommandSpec = {
  name: "export",
  summary:
    "Writes a program of a model, with the weights of its best checkpoint, as an ONNX file that stands on its own.",
  positionals: "<run>",
  taskFlags: [
    { name: "onnx", help: "write ONNX; the only format so far" },
    {
      name: "out",
      value: "file",
      help: "path of the file (default: <run>/export/<model>.onnx, or <model>-<program>.onnx)",
    },
    {
      name: "program",
      value: "name",
      help: "the program to write: predict, or one of the model's further programs",
      default: DEFAULT_PROGRAM,
    },
    { name: "model", value: "name", help: "the only model to write, where the run has several" },
    { name: "plugin", value: "name|path", help: "the plugin's folder, where it is not where it was" },
    RUNS_FLAG,
    { name: "cache", value: "dir", help: "the folder of prepared data", default: "cache" },
    { name: "engine", value: "name", help: "what the file is compared with (default: as in the run)" },
    { name: "frozen", help: "refuse a plugin that is not in beamline.lock as it is" },
    ACCEPT_FLAG,
  ],
  epilog: `
Examples:
  deno task export latest --onnx
  deno task export latest --onnx --program encode --out encoder.onnx
`,
};

/** Exports; returns the exit code. */
export function exportTask(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const [reference] = parsed.positionals;
    if (reference === undefined) {
      throw new ConfigError("Cannot export as the first argument must name a run: none found");
    }
    if (!("onnx" in parsed.task)) {
      throw new ConfigError(
        "Cannot export as a format must be named: none found; --onnx is the one that there is",
      );
    }
    const run = await findRunTo("export", reference, runsFolder(parsed.task));
    const cache = parsed.task.cache ?? "cache";
    const source = sandboxedSource(await pluginOf(run, parsed, "export"));
    const files = await exportRun({
      run,
      source,
      description: await describePlugin(source, cache),
      model: parsed.task.model,
      program: parsed.task.program,
      out: parsed.task.out,
      cache,
      engine: await useEngine(parsed.task.engine ?? run.record.engine?.name ?? "native"),
    });
    if ("json" in parsed.task) printJson({ run: run.path, files });
    else for (const line of files.flatMap(exportLines)) print(line);
    return EXIT.ok;
  });
}

/** What is known of an exported file. */
export function exportLines(
  { model, program, programs, path, bytes, inputs, outputs, checked, opset, irVersion }: ExportedFile,
): string[] {
  const list = (values: ExportedFile["inputs"]) =>
    values.map(({ name, dtype, shape }) => `${name}: ${dtype}[${shape.join(", ")}]`).join(", ");
  const worst = Math.max(...checked.map(({ difference }) => difference));
  const others = programs.filter((other) => other !== program);
  const rows = checked.map(({ rows }) => rows).join(", ");
  return [
    `wrote    ${shownPath(path)}  (${(bytes / 1024).toFixed(0)} KiB)`,
    `inputs   ${list(inputs)}`,
    `outputs  ${list(outputs)}`,
    `format   operator set ${opset}, file version ${irVersion}`,
    `checked  with ${rows} rows: equal to the run's numbers within ${worst.toExponential(1)}`,
    ...(others.length > 0 ? [`others   ${model} also has ${others.join(", ")}; --program writes one`] : []),
  ];
}

if (import.meta.main) await main(exportTask);
