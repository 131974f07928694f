/**
 * Small disks that are full, for tests of what is written.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { statfsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { writeAll } from "../../files/atomic.ts";
import { withTempDir } from "./plugins.ts";
import { type Outcome, ROOT } from "./trial.ts";

/** Bytes. */
export const KIB = 1024;

/** Set in tests that were started again in a namespace of their own. */
const INSIDE = "BEAMLINE_TEST_NAMESPACE";

/** Whether this is a test that was started again, for its small disk alone. */
export function isInNamespace(): boolean {
  return Deno.env.get(INSIDE) !== undefined;
}

async function succeeds(program: string, ...args: string[]): Promise<boolean> {
  const streams = { stdout: "null", stderr: "null" } as const;
  return (await new Deno.Command(program, { args, ...streams }).output().catch(() => undefined))?.success ??
    false;
}

/** Runs a program as the one user of a namespace, who may mount. */
const UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"] as const;

/**
 * Works with a small disk of memory. Who may not mount one may do so in a user namespace of their own: the test is started
 * again in one. Where neither is possible, it is skipped with the reason.
 *
 * @param test The test that does so and nothing else; where there is more in it, {@linkcode isInNamespace} tells.
 * @param skipped What is lost, for the reason.
 */
export async function withSmallDisk(
  test: Pick<Deno.TestContext, "name" | "origin">,
  bytes: number,
  work: (disk: string, directory: string) => Promise<void>,
  skipped = "this test",
): Promise<void> {
  await withTempDir(async (directory) => {
    const disk = join(directory, "disk");
    await Deno.mkdir(disk);
    const mount = ["mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", disk] as const;
    if (await succeeds(...mount)) {
      try {
        await work(disk, directory);
      } finally {
        await succeeds("umount", "-l", disk);
      }
    } else if (!isInNamespace() && await succeeds(...UNSHARE, ...mount)) {
      await startAgain(test);
    } else {
      console.log(`skipped: ${skipped}, as neither "mount" nor "unshare --user --mount" works here`);
    }
  });
}

/** Runs one test in a namespace. */
async function startAgain({ name, origin }: Pick<Deno.TestContext, "name" | "origin">): Promise<void> {
  const grants = ["read", "write", "run", "env", "sys", "ffi"].map((grant) => `--allow-${grant}`);
  const options = ["--v8-flags=--no-maglev-osr", "--no-prompt", "--no-check", ...grants];
  const only = ["--filter", `/^${name.replace(/[^\w ]/g, "\\$&")}$/`, fileURLToPath(origin)];
  const [program, ...flags] = UNSHARE;
  const output = await new Deno.Command(program, {
    args: [...flags, Deno.execPath(), "test", ...options, ...only],
    cwd: ROOT,
    env: { [INSIDE]: "1", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
  console.log(stdout);
  assert.match(stdout!, /\b1 passed \| 0 failed\b/, `in a namespace: ${stderr}`);
}

/** Bytes that a disk still takes. */
export function spaceOn(disk: string): number {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
}

/** Bytes of a page, in which a disk of memory counts. */
export const PAGE = 4 * KIB;

/** Takes all space of the disk but some. */
export async function fill(disk: string, left: number): Promise<void> {
  using file = await Deno.open(join(disk, "filler"), { create: true, write: true, truncate: true });
  for (const size of [256 * PAGE, PAGE]) {
    const piece = new Uint8Array(size).fill(1);
    while (spaceOn(disk) - left >= size) await writeAll(file, piece);
  }
}

/** Takes the filling away. */
export async function empty(disk: string): Promise<void> {
  await Deno.remove(join(disk, "filler"));
}

/** A command ended with one clear error and exit code 2. */
export function checkFull({ code, stderr }: Outcome, what: string): void {
  assert.equal(code, 2, `${what}: ${stderr}`);
  const errors = stderr.split("\n").filter((line) => line.startsWith("error:"));
  assert.equal(errors.length, 1, `${what}: ${stderr}`);
  assert.match(errors[0]!, /no space left/i, what);
  assert.equal(stderr.includes("hint: this is an error of Beamline"), false, stderr);
}

/** Run directories of the trial on a disk. */
export async function runsIn(disk: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(join(disk, "runs/trial"))) {
      found.push(join(disk, "runs/trial", name));
    }
  } catch {
    // not even the first folder could be made
  }
  return found;
}
