/**
 * The traits of all kernels as text for `engine/README.md`.
 *
 * @module
 */
import { type Kernel, KERNELS, ruleOf, type Traits } from "./kernels.ts";

/** A Markdown table: kernel, what it is, in what it is linear, over which axes it is sharded. */
export function printTraitTable(): string {
  const rows = (Object.keys(KERNELS) as Kernel[]).sort().map((kernel) => {
    const { traits } = ruleOf(kernel);
    return [`\`${kernel}\``, kindOf(traits), linearOf(kernel, traits), traits.sharding.says];
  });
  return table(["kernel", "what it is", "linear in", "sharded over"], rows);
}

function kindOf({ kind, unchanged }: Traits<unknown>): string {
  return [kind.is, ...detailsOf(kind), ...(unchanged === "never" ? [] : ["may change nothing"])].join(", ");
}

/** What is said of a kind besides its name. */
function detailsOf(kind: Traits<unknown>["kind"]): readonly string[] {
  switch (kind.is) {
    case "elementwise":
      return [
        ...(kind.broadcasts ? ["broadcasts"] : []),
        ...(kind.commutative ? ["commutative"] : []),
        ...(kind.neutral === null ? [] : [`neutral ${kind.neutral}`]),
        ...(kind.number === null ? [] : ["folded"]),
      ];
    case "reduction":
      return kind.ofEqual === null ? [] : ["folded"];
    case "movement":
      return [...(kind.keepsUniform ? ["keeps uniform"] : []), ...(kind.repeats === null ? [] : ["repeats"])];
    case "creation":
      return kind.number === null ? [] : ["uniform"];
    case "product":
      return kind.multiplications === null ? ["not counted"] : [];
    default:
      return [];
  }
}

function linearOf(kernel: Kernel, { linear }: Traits<unknown>): string {
  if (linear === "jointly") return "all inputs together";
  const { inputs } = KERNELS[kernel];
  const names = linear.map((slot) => (inputs === "variadic" ? `input ${slot}` : inputs[slot]!));
  return names.length > 1 ? `each of ${names.join(", ")}` : names.join();
}

/** A Markdown table with columns of even width. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
