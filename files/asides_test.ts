import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../tests/support/plugins.ts";
import { asidePath, asideTarget } from "../core/writing.ts";
import { writeAside } from "../formats/byte_source.ts";
import { createHdf5 } from "../formats/hdf5_write.ts";
import { createAside, freshAside, removeAsides, removeOldAsides } from "./asides.ts";
import { writeAtomic } from "./atomic.ts";

const names = (folder: string): string[] => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Sets the time of the last write of all files aside in a folder. */
function age(folder: string, minutes: number): void {
  const then = new Date(Date.now() - minutes * 60_000);
  for (const name of names(folder)) {
    if (asideTarget(name) !== undefined) Deno.utimeSync(join(folder, name), then, then);
  }
}

/** Writers of the framework; each calls `during` while its file is half written. */
const WRITERS: { readonly [name: string]: (path: string, during: () => Promise<void>) => Promise<void> } = {
  async writeAside(path, during) {
    await writeAside(path, async (write) => {
      write(Uint8Array.of(1));
      await during();
    });
  },
  async createHdf5(path, during) {
    const writer = await createHdf5(path);
    writer.write("x", { dtype: "uint8", shape: [1], data: Uint8Array.of(1) });
    await during();
    writer.close();
  },
  async createAside(path, during) {
    const aside = await createAside(path);
    await during();
    await Deno.rename(aside.path, path);
    aside.file.close();
  },
};

for (const [name, write] of Object.entries(WRITERS)) {
  Deno.test(`what ${name}() writes is known for a file aside, and stays while its writer lives`, async () => {
    await withTempDir(async (directory) => {
      await write(join(directory, "file"), async () => {
        assert.deepEqual(names(directory).map(asideTarget), ["file"]);
        age(directory, 120);
        await removeOldAsides(directory);
        await removeAsides(directory);
        assert.deepEqual(names(directory).map(asideTarget), ["file"]);
      });
      assert.deepEqual(names(directory), ["file"]);
    });
  });
}

/** Starts a process that locks a file aside, and ends it by force. */
async function killedWriter(path: string): Promise<string> {
  const module = new URL("./asides.ts", import.meta.url).href;
  const code = `const { createAside } = await import(${JSON.stringify(module)});
    const { path } = await createAside(${
    JSON.stringify(path)
  }); console.log(path); setTimeout(() => {}, 60_000);`;
  const streams = { stdin: "null", stdout: "piped", stderr: "null" } as const;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", code], ...streams }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  return new TextDecoder().decode(value).trim();
}

Deno.test("removeOldAsides() removes what a killed process left a minute ago, and nothing that is new", async () => {
  await withTempDir(async (directory) => {
    const left = await killedWriter(join(directory, "report.html"));
    assert.equal(asideTarget(left), join(directory, "report.html"));
    await removeOldAsides(directory);
    assert.equal(names(directory).length, 1, "it may be locked in a moment");
    age(directory, 2);
    await removeOldAsides(directory, "other");
    assert.equal(names(directory).length, 1, "it stands for another file");
    await removeOldAsides(directory, "report.html");
    assert.deepEqual(names(directory), []);
  });
});

Deno.test("removeAsides() removes what killed processes left, files and folders, at any depth", async () => {
  await withTempDir(async (directory) => {
    await Deno.mkdir(join(directory, "checkpoints", "7"), { recursive: true });
    await Deno.mkdir(freshAside(join(directory, "checkpoints", "8")));
    for (const path of ["run.json", "checkpoints/7/a.tmp"]) {
      await Deno.writeTextFile(join(directory, path), "");
    }
    await killedWriter(join(directory, "checkpoints", "7", "state"));
    await removeAsides(directory);
    assert.deepEqual(names(directory), ["checkpoints", "run.json"]);
    assert.deepEqual(names(join(directory, "checkpoints")), ["7"]);
    assert.deepEqual(names(join(directory, "checkpoints", "7")), ["a.tmp"]);
  });
});

Deno.test("writeAtomic() removes what a killed process left of this file when it is asked to", async () => {
  await withTempDir(async (directory) => {
    for (const file of ["a", "b"]) await Deno.writeTextFile(asidePath(join(directory, file), 7), "half");
    age(directory, 2);
    await writeAtomic(join(directory, "a"), "whole");
    assert.equal(names(directory).length, 3);
    await writeAtomic(join(directory, "a"), "whole", { isTidied: true });
    assert.deepEqual(names(directory), ["a", "b.00000007.tmp"]);
  });
});
