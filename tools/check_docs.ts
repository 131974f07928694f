/**
 * Checks that the documentation exists and is true where this can be checked automatically: every exported
 * symbol has a doc comment, links lead to files and headings, commands name tasks and plugins, excerpts of
 * files are what the file says. Ends with `N passed, N failed` and exit code 1 when something failed.
 *
 * @module
 */
import { posix } from "node:path";
import manifest from "../deno.json" with { type: "json" };
import { listFiles } from "./files.ts";
import { type PublicModule, readPublicApi, ROOT } from "./public_api.ts";

/** One fact that was looked at. */
export interface Check {
  /** Where, as `file:line`. */
  readonly where: string;
  /** What is wrong; undefined when nothing is. */
  readonly problem?: string;
}

/** What the checks of texts may look up. */
export interface Lookup {
  /** Whether a path relative to the repository exists. */
  exists(path: string): boolean;
  /** The text of a file. */
  read(path: string): string;
  /** Names of the tasks in deno.json. */
  readonly tasks: ReadonlySet<string>;
  /** The version of Deno that commands name. */
  readonly denoVersion: string;
}

/** Builds a check; without a problem it passes. */
function check(where: string, problem?: string | false): Check {
  return problem ? { where, problem } : { where };
}

/** The anchor of a heading on the usual code hosts: lower case, no punctuation, hyphens for spaces. */
export function anchorOf(heading: string): string {
  return heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

/** Markdown without fenced code blocks; the lines stay where they are. */
function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, " "));
}

/** The anchors of a Markdown text. */
function anchorsOf(text: string): Set<string> {
  return new Set([...withoutCode(text).matchAll(/^#+\s+(.+)$/gm)].map(([, heading]) => anchorOf(heading!)));
}

/** `file:line` of a position in a text. */
function placeOf(file: string, text: string, index: number, firstLine = 1): string {
  return `${file}:${firstLine + text.slice(0, index).split("\n").length - 1}`;
}

/** Relative links and images of a text lead to files of the repository, and to headings in them. */
export function checkLinks(file: string, text: string, lookup: Lookup, firstLine = 1): Check[] {
  return [...withoutCode(text).matchAll(/\]\(([^()\s]+)\)|\bsrc(?:set)?="([^"\s]+)"/g)].flatMap((match) => {
    const link = match[1] ?? match[2]!;
    if (/^[a-z]+:/.test(link)) return [];
    const [path, anchor] = link.split("#") as [string, string?];
    const target = path === "" ? file : posix.join(posix.dirname(file), decodeURIComponent(path));
    const where = placeOf(file, text, match.index, firstLine);
    if (!lookup.exists(target)) {
      return [check(where, `Cannot follow "${link}" as it must lead to a file: no ${target}`)];
    }
    const isLost = anchor !== undefined && target.endsWith(".md") &&
      !anchorsOf(lookup.read(target)).has(anchor);
    return [
      check(where, isLost && `Cannot follow "${link}" as it must lead to a heading: ${target} has none`),
    ];
  });
}

/** Whether `run <name>` names a built-in plugin or a folder that holds one. */
function isPlugin(name: string, { exists }: Lookup): boolean {
  return exists(`plugins/${name}/deno.json`) || exists(`${name}/deno.json`);
}

/** Commands of a text name a task that exists, a plugin that exists and the version of Deno that is used. */
export function checkCommands(file: string, text: string, lookup: Lookup): Check[] {
  return [...text.matchAll(/\bdeno(@[\d.]+)? task ([\w:-]+)((?: +[^\s`|&;)#]+)*)/g)].map((match) => {
    const [, version, task, words] = match;
    const where = placeOf(file, text, match.index);
    if (version !== undefined && version !== `@${lookup.denoVersion}`) {
      return check(where, `Cannot run "${match[0]}" as Deno is at ${lookup.denoVersion}: found "${version}"`);
    }
    if (!lookup.tasks.has(task!)) {
      return check(where, `Cannot run "${match[0]}" as deno.json has no task "${task}"`);
    }
    const name = words!.trim().split(/\s+/)[0]!;
    const isName = /^[a-z][\w./-]*$/.test(name);
    const isUnknown = task === "run" && isName && !isPlugin(name, lookup);
    return check(where, isUnknown && `Cannot run "${match[0]}" as there is no plugin "${name}"`);
  });
}

/** A code block whose first line is `// path/of/file.ts` is part of that file, word for word. */
export function checkExcerpts(file: string, text: string, lookup: Lookup): Check[] {
  return [...text.matchAll(/^```\w*[^\n]*\n\/\/ ([\w./-]+\.\w+)\n([\s\S]*?)^```/gm)].map((match) => {
    const [, source, excerpt] = match;
    const where = placeOf(file, text, match.index);
    if (!lookup.exists(source!)) return check(where, `Cannot quote "${source}" as it does not exist`);
    const isQuoted = lookup.read(source!).includes(excerpt!.trim());
    return check(where, !isQuoted && `Cannot quote "${source}" as the file must hold the lines: they differ`);
  });
}

/** Every module and every symbol of ours has a doc comment with working links. */
export function checkSymbols(module: PublicModule, lookup: Lookup): Check[] {
  const head = check(
    `${module.file}:1`,
    module.doc === "" && `Module "${module.specifier}" has no doc comment`,
  );
  return [
    head,
    ...checkLinks(module.file, module.doc, lookup),
    ...module.symbols.filter(({ from }) => from === undefined).flatMap(({ name, declarations }) => {
      const { file, line } = declarations[0]!;
      const doc = declarations.map((one) => one.doc).join("\n").trim();
      return [
        check(`${file}:${line}`, doc === "" && `"${name}" of ${module.specifier} has no doc comment`),
        ...checkLinks(file, doc, lookup, line),
      ];
    }),
  ];
}

/** What the checks look up, read from the repository. */
async function openLookup(): Promise<Lookup> {
  const exists = (path: string) => {
    if (path.startsWith("..")) return false;
    return statOrNull(path) !== null;
  };
  const statOrNull = (path: string) => {
    try {
      return Deno.statSync(`${ROOT}/${path}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
      throw error;
    }
  };
  const version = /deno@([\d.]+)/.exec(await Deno.readTextFile(`${ROOT}/.ci/run`))?.[1] ?? "";
  return {
    exists,
    read: (path) => Deno.readTextFileSync(`${ROOT}/${path}`),
    tasks: new Set(Object.keys((manifest as { tasks?: object }).tasks ?? {})),
    denoVersion: version,
  };
}

/** Runs everything, prints the problems and the count, and exits 1 when there are any. */
async function main(): Promise<void> {
  const lookup = await openLookup();
  const checks = (await readPublicApi()).flatMap((module) => checkSymbols(module, lookup));
  for (const file of await listFiles(".md")) {
    const text = lookup.read(file);
    checks.push(...checkLinks(file, text, lookup), ...checkCommands(file, text, lookup));
    checks.push(...checkExcerpts(file, text, lookup));
  }
  const failed = checks.filter(({ problem }) => problem !== undefined);
  for (const { where, problem } of failed) console.error(`${where}: ${problem}`);
  console.log(`${checks.length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) Deno.exit(1);
}

if (import.meta.main) await main();
