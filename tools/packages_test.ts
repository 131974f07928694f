import assert from "node:assert/strict";
import { join } from "node:path";
import manifest from "../deno.json" with { type: "json" };
import { packageName, PACKAGES } from "./layers.ts";
import { ROOT } from "./public_api.ts";

/** The table rows of a page that begin with a package, by its name. */
function rowsOf(page: string): Map<string, string> {
  const installed = page.slice(
    page.indexOf("## What is installed"),
    page.indexOf("## Considered and rejected"),
  );
  return new Map([...installed.matchAll(/^\| `([^`]+)`.*$/gm)].map(([row, name]) => [name!, row]));
}

const PAGE = rowsOf(await Deno.readTextFile(join(ROOT, "docs", "packages.md")));

const INSTALLED = new Set(
  Object.entries(manifest.imports).filter(([, target]) => target.startsWith("npm:")).map(([name]) =>
    packageName(name)
  ),
);

Deno.test("docs/packages.md has a row for every package of deno.json and no other", () => {
  assert.deepEqual([...PAGE.keys()].sort(), [...INSTALLED].sort());
});

Deno.test("docs/packages.md names the one file that wraps each package", () => {
  for (const [name, row] of PAGE) {
    const { values } = PACKAGES[name]!;
    assert.ok(values.length > 1 || row.includes(`(../${values[0]})`), `${name}: ${values.join()}`);
  }
});
