import assert from "node:assert/strict";
import { join } from "node:path";
import { FRAMEWORK_ROOT } from "../../registry/framework.ts";
import { platformOf, PLATFORMS } from "./platforms.ts";

Deno.test("docs/platforms.md has a row for every entry of PLATFORMS, tried or not tried alike", async () => {
  const page = await Deno.readTextFile(join(FRAMEWORK_ROOT, "docs", "platforms.md"));
  for (const { name, state } of Object.values(PLATFORMS)) {
    const row = page.split("\n").find((line) => line.startsWith(`| ${name} `));
    const words = row?.split("|").map((cell) => cell.trim());
    assert.equal(words?.[2]?.split(/[;,]/)[0], state.split(";")[0], name);
  }
});

Deno.test("platformOf() offers the walls of Linux on Linux alone, and calls what it does not know not tried", () => {
  assert.ok(platformOf({ os: "linux", arch: "riscv64" }).wallTools.length > 0);
  assert.equal(platformOf({ os: "darwin", arch: "aarch64" }).wallTools.length, 0);
  assert.deepEqual(platformOf({ os: "freebsd", arch: "x86_64" }), {
    name: "freebsd/x86_64",
    state: "not tried",
    wallTools: [],
  });
});
