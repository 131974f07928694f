import assert from "node:assert/strict";
import { withTempDir } from "../../tests/support/plugins.ts";
import { GraphFolder, measureGraphs } from "./graphs.ts";
import { join } from "../../files/paths.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

async function withFolder(
  work: (folder: GraphFolder, warnings: string[], cache: string) => Promise<void>,
  most?: GraphFolder["most"],
): Promise<void> {
  await withTempDir(async (cache) => {
    const warnings: string[] = [];
    const warn = ({ code }: { readonly code: string }) => void warnings.push(code);
    await work(new GraphFolder(join(cache, "graphs"), warn, most), warnings, cache);
  });
}

async function names(folder: GraphFolder): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder.directory), ({ name }) => name)).sort();
}

Deno.test("GraphFolder gives back what it keeps, and nothing for another key", async () => {
  await withFolder(async (folder, warnings, cache) => {
    assert.equal(await folder.find("a"), undefined);
    await folder.keep("a", bytes(1, 2, 3));
    await folder.keep("b", bytes());
    assert.deepEqual(await folder.find("a"), bytes(1, 2, 3));
    assert.deepEqual(await folder.find("b"), bytes());
    assert.equal(await folder.find("c"), undefined);
    assert.deepEqual(warnings, []);
    assert.deepEqual(await measureGraphs(cache), { count: 2, bytes: 2 * 64 + 3 });
  });
});

Deno.test("GraphFolder drops a damaged file, with a warning", async () => {
  await withFolder(async (folder, warnings) => {
    const damages: ((whole: Uint8Array<ArrayBuffer>) => Uint8Array)[] = [
      (whole) => whole.subarray(0, -1), // cut off
      (whole) => whole.subarray(0, 10),
      () => bytes(),
      (whole) => whole.map((value, i) => (i === whole.length - 1 ? value ^ 1 : value)),
      (whole) => whole.map((value, i) => (i === 0 ? value ^ 1 : value)),
    ];
    for (const damage of damages) {
      await folder.keep("a", bytes(1, 2, 3));
      const [name] = await names(folder);
      const path = join(folder.directory, name!);
      await Deno.writeFile(path, damage(await Deno.readFile(path)));
      assert.equal(await folder.find("a"), undefined);
      assert.deepEqual(await names(folder), []);
    }
    assert.deepEqual(warnings, damages.map(() => "damaged-graph"));
  });
});

Deno.test("GraphFolder drops a file that lies under the name of another", async () => {
  await withFolder(async (folder, warnings) => {
    await folder.keep("a", bytes(1));
    const [a] = await names(folder);
    await folder.keep("b", bytes(2));
    const b = (await names(folder)).find((name) => name !== a)!;
    await Deno.copyFile(join(folder.directory, a!), join(folder.directory, b));
    assert.equal(await folder.find("b"), undefined);
    assert.deepEqual(await folder.find("a"), bytes(1));
    assert.deepEqual(warnings, ["damaged-graph"]);
  });
});

/** Keeps a graph that was last used so many seconds ago. */
async function keepAged(folder: GraphFolder, key: string, seconds: number): Promise<void> {
  const before = await names(folder).catch(() => [] as string[]);
  await folder.keep(key, bytes(1));
  const then = new Date(Date.now() - 1000 * seconds);
  for (const name of await names(folder)) {
    if (!before.includes(name)) await Deno.utime(join(folder.directory, name), then, then);
  }
}

for (const most of [{ files: 2, bytes: 1e6 }, { files: 9, bytes: 2 * 64 + 3 }]) {
  Deno.test(`GraphFolder keeps at most ${most.files} files and ${most.bytes} bytes, those used last`, async () => {
    await withFolder(async (folder) => {
      await keepAged(folder, "old", 3);
      await keepAged(folder, "older", 4);
      assert.deepEqual(await folder.find("older"), bytes(1)); // now it is used
      await folder.keep("new", bytes(1));
      assert.equal(await folder.find("old"), undefined);
      assert.deepEqual([await folder.find("older"), await folder.find("new")], [bytes(1), bytes(1)]);
    }, most);
  });
}

Deno.test("GraphFolder is silent where nothing can be written", async () => {
  await withTempDir(async (directory) => {
    await Deno.writeTextFile(join(directory, "file"), "");
    const folder = new GraphFolder(join(directory, "file", "graphs"), () => assert.fail());
    await folder.keep("a", bytes(1));
    assert.equal(await folder.find("a"), undefined);
  });
});
