/**
 * The table of attempts in `docs/security.md`, made from the tests' own tables; a test compares.
 * Run with `deno run --allow-read --allow-write tests/sandbox/write_table.ts`.
 *
 * @module
 */
import { ALLOWED, ATTEMPTS } from "./attempts.ts";
import { BOMBS } from "./bombs.ts";

/** The page that holds the table. */
export const PAGE = new URL("../../docs/security.md", import.meta.url);

const BEGIN = "<!-- attempts: written by tests/sandbox/write_table.ts -->";
const END = "<!-- end of attempts -->";

/** The page with its table made anew. */
export function withTable(text: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new SyntaxError(`Cannot write the table as the page must hold "${BEGIN}" and "${END}": not found`);
  }
  return `${text.slice(0, begin + BEGIN.length)}\n\n${table()}\n\n${text.slice(end)}`;
}

/** One line a topic, with its attempts; what succeeds without walls is marked. */
function table(): string {
  const topics = [
    ...Object.entries(ATTEMPTS).map(([topic, list]) => [topic, list] as const),
    ...Object.entries(BOMBS).map(([topic, list]) => [topic, list] as const),
  ];
  const count = topics.reduce((sum, [, list]) => sum + list.length, 0);
  const sections = topics.map(([topic, list]) =>
    `### ${topic}: ${list.length}\n\n` +
    list.map(({ name, residual }) => `- ${name}${residual === undefined ? "" : ` (residual: ${residual})`}`)
      .join("\n")
  );
  const allowed = ALLOWED.map(({ name }) => `- ${name}`).join("\n");
  return [
    `${count} attempts.`,
    ...sections,
    `### Allowed, and tested to work: ${ALLOWED.length}\n\n${allowed}`,
  ].join(
    "\n\n",
  );
}

if (import.meta.main) await Deno.writeTextFile(PAGE, withTable(await Deno.readTextFile(PAGE)));
