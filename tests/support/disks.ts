/**
 * Small disks that are full, for tests of what is written.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "./plugins.ts";
import type { Outcome } from "./trial.ts";

/** Bytes. */
export const KIB = 1024;

/** Mounts a file system of a few megabytes; undefined where that is not possible. */
async function mount(folder: string, bytes: number): Promise<(() => Promise<void>) | undefined> {
  await Deno.mkdir(folder, { recursive: true });
  const command = (name: string, ...args: string[]) =>
    new Deno.Command(name, { args, stdout: "null", stderr: "null" }).output().catch(() => ({
      success: false,
    }));
  const { success } = await command("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder);
  return success ? async () => void await command("umount", "-l", folder) : undefined;
}

/** Works with a full disk; skipped, with the reason, where none can be made. */
export async function withSmallDisk(
  bytes: number,
  work: (disk: string, directory: string) => Promise<void>,
): Promise<void> {
  await withTempDir(async (directory) => {
    const disk = join(directory, "disk");
    const unmount = await mount(disk, bytes);
    if (!unmount) return console.log("skipped: a tmpfs cannot be mounted here");
    try {
      await work(disk, directory);
    } finally {
      await unmount();
    }
  });
}

/** Takes all space of the disk but some. */
export async function fill(disk: string, left: number): Promise<void> {
  const file = await Deno.open(join(disk, "filler"), { create: true, write: true, truncate: true });
  try {
    for (;;) await file.write(new Uint8Array(4 * KIB).fill(1));
  } catch {
    await file.truncate(Math.max(0, (await file.stat()).size - left));
  } finally {
    file.close();
  }
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
