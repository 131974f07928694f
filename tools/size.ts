/**
 * Lines of TypeScript per room, and what fraction of them is documentation. It reports; it does not fail.
 *
 * @module
 */
import { roomOf } from "./layers.ts";
import { ROOT } from "./public_api.ts";
import { listFiles } from "./files.ts";

/** Counts of one room. */
interface Size {
  files: number;
  code: number;
  docs: number;
  blank: number;
  tests: number;
  longest: { lines: number; file: string };
}

/** A line that belongs to a comment. */
const COMMENT = /^\s*(\/\/|\/\*|\*)/;

/** Adds one file to the counts of its room. */
function addFile(size: Size, file: string, text: string): void {
  const lines = text.trimEnd().split("\n");
  size.files++;
  if (lines.length > size.longest.lines) size.longest = { lines: lines.length, file };
  if (file.endsWith("_test.ts")) {
    size.tests += lines.length;
    return;
  }
  for (const line of lines) {
    if (line.trim() === "") size.blank++;
    else if (COMMENT.test(line)) size.docs++;
    else size.code++;
  }
}

/** The counts of every room, by name. */
async function countRooms(): Promise<Map<string, Size>> {
  const sizes = new Map<string, Size>();
  for (const file of await listFiles(".ts")) {
    const room = roomOf(file);
    const size = sizes.get(room) ??
      { files: 0, code: 0, docs: 0, blank: 0, tests: 0, longest: { lines: 0, file: "" } };
    sizes.set(room, size);
    addFile(size, file, await Deno.readTextFile(`${ROOT}/${file}`));
  }
  return sizes;
}

/** One row of the table. */
function row(cells: readonly (string | number)[]): string {
  const widths = [10, 7, 8, 8, 8, 8];
  return cells.map((cell, i) =>
    i === 0 ? String(cell).padEnd(widths[0]!) : String(cell).padStart(widths[i] ?? 0)
  )
    .join("");
}

/** Prints the table. */
async function main(): Promise<void> {
  console.log(row(["room", "files", "code", "docs", "docs %", "tests"]) + "  longest file");
  const total = { files: 0, code: 0, docs: 0, tests: 0 };
  for (const [room, size] of [...await countRooms()].sort(([a], [b]) => a < b ? -1 : 1)) {
    const share = Math.round(100 * size.docs / Math.max(1, size.code + size.docs));
    const longest = `  ${size.longest.lines} ${size.longest.file}`;
    console.log(row([room, size.files, size.code, size.docs, share, size.tests]) + longest);
    for (const key of ["files", "code", "docs", "tests"] as const) total[key] += size[key];
  }
  const share = Math.round(100 * total.docs / Math.max(1, total.code + total.docs));
  console.log(row(["all", total.files, total.code, total.docs, share, total.tests]));
}

if (import.meta.main) await main();
