/**
 * `deno task doctor`: engines, threads, permissions, versions; what is missing and how to get it.
 *
 * @module
 */
import { describeEngines } from "../engine/mod.ts";
import { frameworkVersion } from "../registry/framework.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { platformOf, type Tool } from "./shared/platforms.ts";
import { RUNS_FLAG } from "./finding/runs_folder.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { paint, print, printJson } from "./terminal/print.ts";

/** One thing that Beamline needs or can use. */
export interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  /** How to get it, where it is missing. */
  readonly remedy?: string;
  /** Beamline runs without it. */
  readonly isOptional?: boolean;
}

/** Deno versions that were tested. */
const TESTED_DENO = "2.9.6";

const COMMAND: CommandSpec = {
  name: "doctor",
  summary: "Says what this machine has, what is missing, and how to get it.",
  taskFlags: [
    RUNS_FLAG,
    { name: "cache", value: "dir", help: "the folder of prepared data", default: "cache" },
  ],
};

/** Prints the state of this machine; exit code 1 when something needed is missing. */
export function doctor(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async ({ task }) => {
    const checks = [
      ...await machineChecks(),
      await writableCheck("runs", task.runs),
      await writableCheck("cache", task.cache),
    ];
    const missing = checks.filter(({ ok, isOptional }) => !ok && !isOptional);
    if ("json" in task) printJson({ checks, ok: missing.length === 0 });
    else for (const check of checks) print(checkLine(check));
    return missing.length === 0 ? EXIT.ok : EXIT.checkFailed;
  });
}

async function machineChecks(): Promise<Check[]> {
  const platform = platformOf(Deno.build);
  return [
    { what: "beamline", ok: true, found: await frameworkVersion() },
    {
      what: "deno",
      ok: Deno.version.deno === TESTED_DENO,
      found: Deno.version.deno,
      remedy: `tested with ${TESTED_DENO}: npx --yes deno@${TESTED_DENO} task ...`,
      isOptional: true,
    },
    { what: "platform", ok: true, found: `${platform.name} (${platform.state})` },
    {
      what: "processor",
      ok: true,
      found: `${Deno.build.arch}, ${navigator.hardwareConcurrency} logical cores`,
    },
    memoryCheck(),
    ...await engineChecks(),
    ...await Promise.all(platform.wallTools.map(toolCheck)),
    await toolCheck(GIT),
  ];
}

/** A check as a line, with its remedy where it failed. */
export function checkLine({ what, ok, found, remedy, isOptional }: Check): string {
  const mark = ok ? paint("ok     ", "green") : isOptional ? "missing" : paint("ERROR  ", "red");
  return `${mark}  ${what.padEnd(12)} ${found}${ok || !remedy ? "" : `; ${remedy}`}`;
}

function memoryCheck(): Check {
  const { total, available } = Deno.systemMemoryInfo();
  const gibibytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
  return {
    what: "memory",
    ok: available > 2 ** 30,
    found: `${gibibytes(available)} of ${gibibytes(total)} GiB free`,
    remedy: "1 GiB should be free",
  };
}

async function engineChecks(): Promise<Check[]> {
  return (await describeEngines()).map((engine) => ({
    what: `engine ${engine.name}`,
    ok: engine.available,
    found: [engine.version, engine.note].filter((text) => text !== undefined).join(", "),
    ...(engine.name.startsWith("native:") ? {} : { remedy: "deno install" }), // a provider's note says what to do
    isOptional: engine.name !== "native",
  }));
}

/** What the provenance asks for the state of a checkout. */
const GIT: Tool = {
  program: "git",
  args: ["--version"],
  purpose: "commit and diff in the provenance",
  remedy: "package git",
};

/** Whether a program is there; Beamline runs without it. */
export async function toolCheck({ program, args, purpose, remedy }: Tool): Promise<Check> {
  try {
    const output = await new Deno.Command(program, { args: [...args], stdout: "piped", stderr: "null" })
      .output();
    const version = new TextDecoder().decode(output.stdout).split("\n")[0] ?? "";
    return { what: program, ok: output.success, found: `${version} (${purpose})`, remedy, isOptional: true };
  } catch {
    return { what: program, ok: false, found: `not found (${purpose})`, remedy, isOptional: true };
  }
}

/**
 * Whether files can be written to a folder; what is made for the check is removed.
 *
 * @param flag The flag that names the folder.
 */
export async function writableCheck(flag: string, folder: string = flag): Promise<Check> {
  const remedy = `choose another folder with --${flag}`;
  try {
    let isMade = true;
    await Deno.mkdir(folder).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      isMade = false;
    });
    const probe = `${folder}/.doctor-${crypto.randomUUID()}`;
    await Deno.writeTextFile(probe, "");
    await Deno.remove(probe);
    if (isMade) await Deno.remove(folder);
    return { what: `${folder}/`, ok: true, found: "can be written" };
  } catch (error) {
    return { what: `${folder}/`, ok: false, found: (error as Error).name, remedy };
  }
}

if (import.meta.main) await main(doctor);
