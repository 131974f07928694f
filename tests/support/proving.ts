/**
 * Doing runs again and changing what they left.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { PluginText } from "./plugins.ts";
import { LINE, task } from "./trial.ts";

/** The trial with its x values from a file. */
export const FROM_FILE: PluginText = {
  config: `data: inputPath("file", "x values"), ${LINE.config}`,
  body: LINE.body!.replace(
    "prepare({ rows }, context) {",
    `prepare({ rows, data }, context) {
    if (data) {
      const x = Float32Array.from(JSON.parse(Deno.readTextFileSync(data)));
      const table = { x: column(x, { unit: "cm", shape: [x.length, 1], dims: ["row", "axis"] }), y: column(x.map((v) => 2 * v), { unit: "cm", shape: [x.length, 1], dims: ["row", "axis"] }) };
      return { tables: { train: table, validation: table }, simulated: false, source: "x values of " + data };
    }`,
  ),
};

/** Writes the x values. */
export async function writeData(path: string): Promise<void> {
  const values = Array.from({ length: 64 }, (_, i) => Math.sin(i));
  await Deno.writeTextFile(path, JSON.stringify(values));
}

/** Runs a command that must succeed; returns what it printed as JSON. */
// deno-lint-ignore no-explicit-any
export async function json(...args: string[]): Promise<any> {
  const { code, stdout, stderr } = await task(...args, "--json", "--quiet");
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** What `verify --json` says. */
export interface Verified {
  readonly code: number;
  readonly holds: boolean;
  readonly equal: boolean;
  readonly promise: string;
  readonly reason: string | null;
  readonly circumstances: readonly { readonly what: string }[];
  /** "state: detail" by level. */
  readonly levels: { readonly [level: string]: string };
}

/** Verifies; the exit code is 0 or 1. */
export async function verified(run: string, ...args: string[]): Promise<Verified> {
  const { code, stdout, stderr } = await task("verify", run, ...args, "--json", "--quiet");
  assert.ok(code === 0 || code === 1, stderr);
  const { levels, ...rest } = JSON.parse(stdout) as Omit<Verified, "levels"> & {
    levels: { level: string; state: string; detail: string }[];
  };
  return {
    ...rest,
    code,
    levels: Object.fromEntries(levels.map(({ level, state, detail }) => [level, `${state}: ${detail}`])),
  };
}

/** Changes a JSON file. */
export async function editJson(
  path: string,
  change: (value: { [key: string]: unknown }) => void,
): Promise<void> {
  const value = JSON.parse(await Deno.readTextFile(path));
  change(value);
  await Deno.writeTextFile(path, JSON.stringify(value));
}

/** Changes one bit of a file. */
export async function flipLastByte(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(path, bytes);
}
