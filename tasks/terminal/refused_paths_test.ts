import assert from "node:assert/strict";
import { refusedPath } from "./refused_paths.ts";

const LONG = `/tmp/${"x".repeat(300)}`;

const CASES: readonly (readonly [use: () => Promise<unknown>, message: RegExp])[] = [
  [() => Deno.lstat(LONG), /^Cannot use "\/tmp\/x{75}…x{80}" as the system must allow it: it is too long$/],
  [() => Deno.lstat(""), /^Cannot use a path as .*: it is empty$/],
  [() => Deno.lstat("a\0b"), /^Cannot use "a\0b" as .*: it has a NUL byte/],
  [() => Deno.readTextFile(Deno.cwd()), /: it is a folder$/],
  [() => Deno.mkdir(`${Deno.cwd()}/deno.json/x`), /deno\.json\/x" as .*: it leads through a file/],
  [() => Deno.lstat("/nowhere/at/all"), /^Cannot use "\/nowhere\/at\/all" as .*: nothing is there$/],
];

Deno.test("refusedPath() says what is wrong with a path, whatever the system calls it", async () => {
  for (const [use, message] of CASES) {
    const thrown = await use().then(() => undefined, (error) => error);
    assert.match(refusedPath(thrown)?.message ?? "", message);
  }
});

Deno.test("refusedPath() leaves errors that are not of paths", () => {
  for (const error of [new TypeError("x is not a function"), new Error("Cannot use it"), "text", undefined]) {
    assert.equal(refusedPath(error), undefined);
  }
});
