/**
 * What Deno says of a module that cannot be loaded, in the terms of somebody who writes a plugin.
 *
 * @module
 */

const IMPORTS =
  "it may import beamline, its sub-paths (beamline/data, beamline/nn, ...) and files of its folder";

/** Each message of Deno, and what follows "Cannot load the plugin as". `local` shortens addresses in its folder. */
const EXPLANATIONS: readonly (readonly [
  pattern: RegExp,
  explain: (groups: readonly string[], local: (url: string) => string) => string,
])[] = [
  [
    /^SyntaxError: ([^\n]*)(?:\n\s*\|\n\d+ \| ([^\n]*)\n)?/,
    ([, rule, line]) =>
      `its modules must be TypeScript: ${rule}${line === undefined ? "" : ` in "${line.trim()}"`}`,
  ],
  [
    /^Module not found "([^"]*)"/,
    ([, url], local) => `every module that it imports must be there: found no "${local(url!)}"`,
  ],
  [/^Import "([^"]*)" not a dependency/, ([, name]) => `${IMPORTS}: found "${name}"`],
  [/^A remote specifier was requested: "([^"]*)"/, ([, url]) => `${IMPORTS}: found "${url}"`],
  [
    /^(The requested module '[^']*' does not provide an export named '[^']*')/,
    ([, text]) => `what it imports must be exported: ${text![0]!.toLowerCase()}${text!.slice(1)}`,
  ],
];

/** A message about a module that cannot be loaded, explained; undefined for any other. */
export function explainLoading(message: string, local: (url: string) => string): string | undefined {
  for (const [pattern, explain] of EXPLANATIONS) {
    const found = pattern.exec(message);
    if (found) return `Cannot load the plugin as ${explain(found, local)}`;
  }
  return undefined;
}
