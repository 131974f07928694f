import assert from "node:assert/strict";
import {
  anchorOf,
  type Check,
  checkCommands,
  checkExcerpts,
  checkLinks,
  checkSymbols,
  type Lookup,
} from "./check_docs.ts";

const FILES: { readonly [path: string]: string } = {
  "README.md": "# Beamline\n\n## How to run `it`\n",
  "docs/a.md": "# A\n",
  "plugins/ecal/deno.json": "{}",
  "examples/peak/deno.json": "{}",
  "examples/peak/mod.ts": "const a = 1;\nconst b = 2;\n",
};

const lookup: Lookup = {
  exists: (path) => Object.keys(FILES).some((file) => file === path || file.startsWith(`${path}/`)),
  read: (path) => FILES[path]!,
  tasks: new Set(["run", "test"]),
  denoVersion: "2.9.6",
};

/** Places of the checks that failed. */
function failures(checks: readonly Check[]): string[] {
  return checks.filter(({ problem }) => problem !== undefined).map(({ where }) => where);
}

Deno.test("anchorOf() drops punctuation and joins words by hyphens", () => {
  assert.equal(anchorOf("How to run `it`, [twice](a.md)"), "how-to-run-it-twice");
});

Deno.test("checkLinks() follows relative links, images and headings", () => {
  const text = [
    "[ok](../README.md) [web](https://example.org/x)",
    "[no](nothing.md)",
    "[ok](../README.md#how-to-run-it) [no](../README.md#absent)",
    '<img src="absent.svg">',
    "```\n[ignored](in_code.md)\n```",
    "[outside](../../secret.md)",
  ].join("\n");
  const checks = checkLinks("docs/a.md", text, lookup);
  assert.deepEqual(failures(checks), ["docs/a.md:2", "docs/a.md:3", "docs/a.md:4", "docs/a.md:8"]);
  assert.equal(checks.length, 6);
});

Deno.test("checkCommands() knows tasks, plugins and the version of Deno", () => {
  const text = [
    "`deno task run ecal --stage 2` and `npx --yes deno@2.9.6 task test`",
    "`deno task fly`",
    "`deno task run hcal`",
    "`deno task run examples/peak` and `deno task run ./examples/absent`",
    "`npx --yes deno@2.9.5 task test`",
    "`deno task run <plugin>`",
  ].join("\n");
  assert.deepEqual(failures(checkCommands("a.md", text, lookup)), ["a.md:2", "a.md:3", "a.md:5"]);
});

Deno.test("checkExcerpts() rejects a quotation that differs from its file", () => {
  const quote = (code: string) => "```ts\n// examples/peak/mod.ts\n" + code + "\n```\n";
  assert.deepEqual(failures(checkExcerpts("a.md", quote("const b = 2;"), lookup)), []);
  assert.deepEqual(failures(checkExcerpts("a.md", "\n" + quote("const b = 3;"), lookup)), ["a.md:2"]);
});

Deno.test("checkSymbols() asks for a doc comment on what is ours", () => {
  const declare = (doc: string) => [{ kind: "function", file: "a/b.ts", line: 7, doc }];
  const symbols = [
    { name: "a", declarations: declare("") },
    { name: "b", declarations: declare("See [b](./absent.ts).") },
    { name: "c", declarations: declare("Fine.") },
    { name: "z", declarations: declare(""), from: "zod" },
  ];
  const module = { specifier: "beamline/a", file: "a/mod.ts", doc: "", symbols };
  assert.deepEqual(failures(checkSymbols(module, lookup)), ["a/mod.ts:1", "a/b.ts:7", "a/b.ts:7"]);
});
