/**
 * The kept table of what tfjs's own tests give here: how many pass, which are refused and why, which differ and why.
 * A run is compared with it, so that no change of either side goes unseen.
 *
 * @module
 */
import { REFUSED_KERNELS } from "../../engine/program/kernels.ts";
import type { Verdict } from "./suite.ts";

/** What is expected of one test file. */
export interface FileEntry {
  /** Specs that pass on the engine "native". */
  readonly passed: number;
  /** Specs that are refused on every engine, by what is refused: a kernel, a type, or the rule of a kernel. */
  readonly refused: { readonly [feature: string]: number };
}

/** A spec that neither passes nor is refused. */
export interface Difference {
  /** Key in {@linkcode Table.reasons}. */
  readonly reason: string;
  /** Engines on which it differs. */
  readonly engines: readonly string[];
}

/** The kept table. */
export interface Table {
  /** Version of tfjs-core whose tests these are. */
  readonly version: string;
  /** Why things are refused. */
  readonly refusals: { readonly [feature: string]: string };
  /** Why specs differ. */
  readonly reasons: { readonly [reason: string]: string };
  /** By file and spec. */
  readonly differences: { readonly [spec: string]: Difference };
  readonly files: { readonly [file: string]: FileEntry };
}

/** What an update writes where nobody has given a reason yet; a table with it is never right. */
export const UNEXPLAINED = "unexplained";

/** The engine whose passing specs the table counts. */
const FIRST_ENGINE = "native";

/** The name of a spec among those of all files. */
export function fullName({ file, name }: Pick<Verdict, "file" | "name">): string {
  return `${file} > ${name}`;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): { [key: string]: number } {
  const counts: { [key: string]: number } = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return sorted(counts);
}

function sorted<T>(object: { readonly [key: string]: T }): { [key: string]: T } {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Specs of a file that differ on an engine, as the table has it. */
function differencesIn(table: Table, file: string, engine: string): number {
  return Object.entries(table.differences)
    .filter(([name, { engines }]) => name.startsWith(`${file} > `) && engines.includes(engine)).length;
}

/**
 * What a run and the table do not agree on, a line each.
 *
 * @param isWhole Whether all specs were run; counts are compared only then.
 */
export function compareWithTable(
  table: Table,
  engine: string,
  verdicts: readonly Verdict[],
  isWhole: boolean,
): string[] {
  const problems = verdicts.flatMap((verdict) => {
    const name = fullName(verdict);
    const listed = table.differences[name];
    const isListed = listed?.engines.includes(engine) ?? false;
    if (verdict.status === "differed" && !isListed) return [`not in the table: ${name}: ${verdict.detail}`];
    if (verdict.status !== "differed" && isListed) return [`stale, ${verdict.status} now: ${name}`];
    if (isListed && !Object.hasOwn(table.reasons, listed!.reason)) return [`without a reason: ${name}`];
    return [];
  });
  return isWhole ? [...problems, ...compareCounts(table, engine, verdicts)] : problems;
}

function compareCounts(table: Table, engine: string, verdicts: readonly Verdict[]): string[] {
  const names = new Set(verdicts.map(fullName));
  const gone = Object.keys(table.differences).filter((name) => !names.has(name))
    .map((name) => `stale, not there any more: ${name}`);
  const byFile = Map.groupBy(verdicts, (verdict) => verdict.file);
  const files = [...new Set([...Object.keys(table.files), ...byFile.keys()])].sort();
  const unexplained = Object.entries(table.refusals).filter(([, reason]) => reason === UNEXPLAINED)
    .map(([feature]) => `refused without a reason: ${feature}`);
  return [
    ...gone,
    ...unexplained,
    ...files.flatMap((file) => {
      const entry = table.files[file] ?? { passed: 0, refused: {} };
      const found = byFile.get(file) ?? [];
      const refused = countBy(found.filter(({ status }) => status === "refused"), ({ detail }) => detail);
      const features = [...new Set([...Object.keys(entry.refused), ...Object.keys(refused)])];
      const passed = found.filter(({ status }) => status === "passed").length;
      const wanted = entry.passed + differencesIn(table, file, FIRST_ENGINE) -
        differencesIn(table, file, engine);
      return [
        ...features.flatMap((feature) =>
          differing(file, `refused for "${feature}"`, entry.refused[feature], refused[feature])
        ),
        ...differing(file, "passed", wanted, passed),
      ];
    }),
  ];
}

function differing(file: string, what: string, wanted = 0, found = 0): string[] {
  return wanted === found ? [] : [`${file}: ${found} specs ${what}, the table says ${wanted}`];
}

/** Why something is refused: as the engine says it of kernels, as the table has it of types and of single calls. */
function refusalOf(table: Table, feature: string): string {
  const refused: { readonly [kernel: string]: string } = REFUSED_KERNELS;
  return refused[feature] ?? table.refusals[feature] ?? UNEXPLAINED;
}

/** The table with what a whole run on an engine has found; reasons of known differences are kept. */
export function updateTable(
  table: Table,
  engine: string,
  version: string,
  verdicts: readonly Verdict[],
): Table {
  const differences: { [spec: string]: Difference } = {};
  for (const verdict of verdicts) {
    const name = fullName(verdict);
    const known = table.differences[name];
    const others = known?.engines.filter((other) => other !== engine) ?? [];
    const engines = verdict.status === "differed" ? [...others, engine] : others;
    if (engines.length > 0) {
      differences[name] = { reason: known?.reason ?? UNEXPLAINED, engines: engines.sort() };
    }
  }
  const updated = { ...table, version, differences: sorted(differences) };
  const files: { [file: string]: FileEntry } = {};
  for (const [file, found] of Map.groupBy(verdicts, (verdict) => verdict.file)) {
    const refusals = found.filter(({ status }) => status === "refused");
    files[file] = {
      passed: found.length - refusals.length - differencesIn(updated, file, FIRST_ENGINE),
      refused: countBy(refusals, ({ detail }) => detail),
    };
  }
  const features = new Set(Object.values(files).flatMap(({ refused }) => Object.keys(refused)));
  const refusals = sorted(
    Object.fromEntries([...features].map((feature) => [feature, refusalOf(table, feature)])),
  );
  return { ...updated, refusals, files: sorted(files) };
}

/** The table as text: a line for each entry. */
export function printTable(table: Table): string {
  const section = (entries: object) => {
    const lines = Object.entries(entries).map(([key, value]) =>
      `    ${JSON.stringify(key)}: ${
        JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, " ").replaceAll("[ ", "[").replaceAll(" ]", "]")
      }`
    );
    return lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n  }`;
  };
  const { version, refusals, reasons, differences, files } = table;
  return `{
  "version": ${JSON.stringify(version)},
  "reasons": ${section(reasons)},
  "refusals": ${section(refusals)},
  "differences": ${section(differences)},
  "files": ${section(files)}
}
`;
}
