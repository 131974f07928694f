/**
 * Writes the tables of `engine/README.md`: `deno run --allow-read --allow-write tests/conformance/write_table.ts`.
 *
 * @module
 */
import { printRefusedTable, printRuleTable } from "../../engine/onnx/table.ts";
import type { Kernel, KernelAttrs } from "../../engine/program/kernels.ts";
import { printTraitTable } from "../../engine/program/trait_table.ts";
import { CALLS, CASES } from "./cases.ts";
import { kernelProgram } from "./harness.ts";

/** The file with the tables. */
export const README = new URL("../../engine/README.md", import.meta.url);

const withGradient = new Set<string>(CALLS.filter((one) => one.gradient).map((one) => one.kernel));

/** Tables by the name between their marks, `<!-- begin name -->` and `<!-- end name -->`. */
const TABLES: { readonly [name: string]: () => string } = {
  rules: () =>
    printRuleTable((kernel) => ({
      programs: CASES[kernel as Kernel].nodes.map(({ inputs, attrs }) =>
        kernelProgram(kernel as Kernel, inputs, attrs as KernelAttrs[Kernel])
      ),
      hasGradient: withGradient.has(kernel),
    })),
  refused: printRefusedTable,
  traits: printTraitTable,
};

/** The text with its tables made anew. */
export function withTables(text: string): string {
  return Object.entries(TABLES).reduce((result, [name, print]) => {
    const marks = new RegExp(`(<!-- begin ${name} -->\\n)[\\s\\S]*?(<!-- end ${name} -->)`);
    return result.replace(marks, (_, begin, end) => `${begin}\n${print()}\n\n${end}`);
  }, text);
}

if (import.meta.main) await Deno.writeTextFile(README, withTables(await Deno.readTextFile(README)));
