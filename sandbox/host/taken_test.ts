import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { readTablesWith } from "../../data/tables.ts";
import { column, writeTables } from "../../data/tables.ts";
import { readNpySource, writeNpyInPlace } from "../../formats/npy.ts";
import { readSource } from "../../formats/byte_source.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { SharedDirectory, type TakenFolder } from "./taken.ts";

const TAKING = { plugin: "trial", hook: "evaluate" };

/** A shared directory, a folder `outside` with files of the user, and a place that is out of reach. */
interface Place {
  readonly shared: SharedDirectory;
  readonly outside: string;
  at(...parts: string[]): string;
  take(name: string): TakenFolder;
}

async function withPlace(use: (place: Place) => Promise<void> | void): Promise<void> {
  await withTempDir(async (root) => {
    const [path, outside] = [join(root, "shared"), join(root, "outside")];
    for (const folder of [path, outside, join(outside, "m")]) await Deno.mkdir(folder);
    for (const file of ["secret.json", "m/secret.json"]) {
      await Deno.writeTextFile(join(outside, file), "secret");
    }
    const shared = new SharedDirectory(path, join(root, "aside"));
    await use({
      shared,
      outside,
      at: (...parts) => join(path, ...parts),
      take: (name) => shared.take(name, TAKING),
    });
  });
}

const refusal = (what: string, found: string) => ({
  name: "PluginError",
  plugin: "trial",
  hook: "evaluate",
  message: new RegExp(`Cannot take "${what}" as it must be a [a-z0-9 ]+: found ${found}$`),
});

function pipe(path: string): void {
  const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
  assert.ok(success);
}

Deno.test("take() moves a folder out of the sandbox's reach, and names it as it was", async () => {
  await withPlace(async ({ at, take, shared }) => {
    await Deno.mkdir(at("figures"));
    await Deno.writeTextFile(at("figures", "a.svg"), "<svg/>");
    const folder = take("figures");
    assert.equal(folder.name, "figures");
    assert.ok(folder.path.startsWith(shared.aside));
    assert.deepEqual([...Deno.readDirSync(shared.path)], []);
    assert.equal(new TextDecoder().decode(folder.read("a.svg", 100)), "<svg/>");
    await Deno.mkdir(at("figures")); // the same name again, as of a second trace
    assert.notEqual(take("figures").path, folder.path);
    await folder.remove();
  });
});

Deno.test("take() refuses everything in the place of a folder, and follows nothing", async () => {
  await withPlace(async ({ at, take, outside }) => {
    assert.throws(() => take("tables"), refusal("tables", "nothing"));
    await Deno.symlink(outside, at("tables"));
    assert.throws(() => take("tables"), refusal("tables", "a symbolic link"));
    await Deno.writeTextFile(at("tables"), "");
    assert.throws(() => take("tables"), refusal("tables", "a file, pipe or device"));
    pipe(at("tables"));
    assert.throws(() => take("tables"), refusal("tables", "a file, pipe or device"));
    assert.deepEqual([...Deno.readDirSync(outside)].map(({ name }) => name).sort(), ["m", "secret.json"]);
  });
});

Deno.test("takeFolder() takes an inner folder, and refuses a link in its place", async () => {
  await withPlace(async ({ at, take, outside }) => {
    await Deno.mkdir(at("models", "m"), { recursive: true });
    await Deno.writeTextFile(at("models", "m", "predict.json"), "{}");
    await Deno.symlink(join(outside, "m"), at("models", "n"));
    const models = take("models");
    const inner = models.takeFolder("m");
    assert.equal(inner.name, "models/m");
    assert.equal(inner.read("predict.json", 10).length, 2);
    assert.throws(() => models.takeFolder("n"), refusal("models/n", "a symbolic link"));
    assert.throws(() => models.takeFolder("k"), refusal("models/k", "nothing"));
    assert.equal(await Deno.readTextFile(join(outside, "m", "secret.json")), "secret");
  });
});

/** What a sandbox may put in the place of `f`, and what is then said of it. */
const PLANTED: { readonly [found: string]: (path: string, outside: string) => void | Promise<void> } = {
  "a symbolic link": (path, outside) => Deno.symlink(join(outside, "secret.json"), path),
  "a hard link": (path, outside) => Deno.link(join(outside, "secret.json"), path),
  "a folder": (path) => Deno.mkdir(path),
  "a device, pipe or socket": (path) => pipe(path),
  "nothing": () => {},
};

for (const [found, plant] of Object.entries(PLANTED)) {
  Deno.test(`TakenFolder refuses ${found} in the place of a file, by whatever function`, async () => {
    await withPlace(async ({ at, take, outside }) => {
      await Deno.mkdir(at("files"));
      await plant(at("files", "f"), outside);
      const folder = take("files");
      const target = join(outside, "moved");
      const expected = refusal("files/f", found);
      assert.throws(() => folder.open("f"), expected);
      assert.throws(() => folder.read("f", 1000), expected);
      assert.throws(() => folder.source("f"), expected);
      assert.throws(() => folder.opener("files/f"), expected);
      await assert.rejects(folder.move("f", target), expected);
      assert.equal(await Deno.lstat(target).catch(() => undefined), undefined, "nothing was moved");
    });
  });
}

Deno.test("TakenFolder refuses links on the way to a file, and names that lead out", async () => {
  await withPlace(async ({ at, take, outside }) => {
    await Deno.mkdir(at("tables", "train"), { recursive: true });
    await Deno.symlink(join(outside, "m"), at("tables", "train", "m"));
    await Deno.symlink(outside, at("tables", "test"));
    const folder = take("tables");
    for (const name of ["test/secret.json", "test/m/secret.json", "train/m/secret.json"]) {
      assert.throws(() => folder.source(name), { name: "PluginError", message: /found a symbolic link$/ });
    }
    for (
      const name of ["../../outside/secret.json", "train/../../../outside/secret.json", "/etc/hostname", ""]
    ) {
      assert.throws(() => folder.source(name), { name: "PluginError" });
    }
  });
});

Deno.test("readTablesWith() follows no link of a taken folder", async () => {
  await withPlace(async ({ at, take, outside }) => {
    const tables = { train: { x: column(Float32Array.of(1, 2), { unit: "1" }) } };
    await writeTables(at("tables"), tables);
    const whole = take("tables");
    assert.deepEqual([...readTablesWith(whole.opener, whole.name).train!.x!.data], [1, 2]);
    await writeTables(join(outside, "tables"), tables); // tables of the user
    for (const linked of ["tables.json", "train", "train/columns.json", "train/x.npy"]) {
      await writeTables(at("tables"), tables);
      await Deno.remove(at("tables", linked), { recursive: true });
      await Deno.symlink(join(outside, "tables", linked), at("tables", linked));
      const folder = take("tables");
      assert.throws(() => readTablesWith(folder.opener, folder.name), {
        name: "PluginError",
        message: /found a symbolic link$/,
      });
    }
  });
});

Deno.test("TakenFolder reads what it opened, whatever comes in its place", async () => {
  await withPlace(async ({ at, take, outside }) => {
    await Deno.mkdir(at("call-1"));
    writeNpyInPlace(at("call-1", "0.npy"), { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) });
    writeNpyInPlace(join(outside, "private.npy"), {
      dtype: "float32",
      shape: [2],
      data: Float32Array.of(7, 7),
    });
    const folder = take("call-1");
    const source = folder.source("0.npy");
    // a sandbox that still reached it could do this: the hook point is between opening and reading
    await Deno.remove(join(folder.path, "0.npy"));
    await Deno.symlink(join(outside, "private.npy"), join(folder.path, "0.npy"));
    assert.deepEqual([...readNpySource(source).data], [1, 2]);
  });
});

Deno.test("TakenFolder keeps to the size at opening: more is not read, and less is refused", async () => {
  await withPlace(async ({ at, take }) => {
    await Deno.mkdir(at("files"));
    for (const name of ["grows", "shrinks"]) await Deno.writeTextFile(at("files", name), "12345678");
    const folder = take("files");
    const sources = ["grows", "shrinks"].map((name) => folder.source(name));
    await Deno.writeTextFile(join(folder.path, "grows"), "9".repeat(2 ** 20), { append: true });
    await Deno.truncate(join(folder.path, "shrinks"), 3);
    assert.equal(new TextDecoder().decode(readSource(sources[0]!)), "12345678");
    assert.throws(() => readSource(sources[1]!), {
      name: "DataError",
      message: /8 bytes must follow offset 0: found 3$/,
    });
    assert.throws(() => folder.read("grows", 1000), refusal("files/grows", "1048584"));
  });
});

Deno.test("move() takes a file as it is, without reading it", async () => {
  await withPlace(async ({ at, take, outside }) => {
    await Deno.mkdir(at("files"));
    await Deno.writeTextFile(at("files", "out.csv"), "id");
    const folder = take("files");
    await folder.move("out.csv", join(outside, "out.csv"));
    assert.equal(await Deno.readTextFile(join(outside, "out.csv")), "id");
    assert.equal(basename(folder.path).endsWith("files"), true);
    assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  });
});
