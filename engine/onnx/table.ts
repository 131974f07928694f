/**
 * The lowering table as text for `engine/README.md`.
 *
 * @module
 */
import { REFUSED_KERNELS } from "../program/kernels.ts";
import { table } from "../program/trait_table.ts";
import type { Program } from "../program/types.ts";
import { lower } from "./lower.ts";
import { OPSET } from "./encode.ts";
import { rules } from "./kernels/rules.ts";

/** What is known of a kernel besides its rule. */
export interface KernelExamples {
  /** Programs of this one kernel, so many that all its operators appear. */
  readonly programs: readonly Program[];
  /** Whether its gradient is tested. */
  readonly hasGradient: boolean;
}

/** Operators that only move, name or make constants; left out when others do the work. */
const AUXILIARY: readonly string[] = ["Identity", "Reshape", "Transpose", "Cast", "Expand"];

/** A Markdown table: kernel, ONNX operators, what values and gradients are checked against. */
export function printRuleTable(examples: (kernel: string) => KernelExamples): string {
  const rows = Object.keys(rules).sort().map((kernel) => {
    const { programs, hasGradient } = examples(kernel);
    const gradient = hasGradient ? "tfjs, differences" : "";
    return [`\`${kernel}\``, operatorsOf(programs).join(", "), "tfjs", gradient];
  });
  return table(
    ["tfjs kernel", `ONNX operators (opset ${OPSET})`, "values against", "gradient against"],
    rows,
  );
}

/** A Markdown table of the kernels that have no rule, by design, with the reason. */
export function printRefusedTable(): string {
  const rows = Object.entries(REFUSED_KERNELS).map(([kernel, reason]) => [`\`${kernel}\``, reason]);
  return table(["tfjs kernel without a rule", "why"], rows);
}

/** The operators that the programs become, the ones that compute first. */
function operatorsOf(programs: readonly Program[]): readonly string[] {
  const all = new Set(programs.flatMap((program) => lower(program).graph.nodes.map((node) => node.op)));
  const working = [...all].filter((op) => !AUXILIARY.includes(op));
  const shown = working.length > 0 ? working : [...all].filter((op) => op !== "Identity");
  return shown.length > 0 ? shown : ["(a constant or its input)"];
}
