import assert from "node:assert/strict";
import { join } from "node:path";
import type { AskedPermission } from "../../sandbox/protocol/plugin_host.ts";
import { FRAMEWORK_ROOT } from "../../registry/framework.ts";
import { exists } from "../../files/atomic.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import {
  digestInputs,
  type InputFile,
  type SandboxRecord,
  withoutPaths,
  writePermissions,
  writeProvenance,
} from "./provenance.ts";

/** FIPS 180-4, example B.1: the message "abc". */
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const UUID = "0123abcd-0000-4000-8000-00000000beef";
const KEY = "0123456789abcdef".repeat(2);

const PLUGIN = "/home/a/plugins/jets";
const SHARED = `/home/a/cache/shared/${UUID}/written`;
const PREPARED = `/home/a/cache/${KEY}/tables`;

const input = (path: string, name: string): InputFile => ({ path, name, bytes: 3, sha256: ABC });
const INPUTS = [input("/data/jets.npz", "jets.npz"), input("/data/showers/deep/1.h5", "showers/deep/1.h5")];

/** `permissions.json` of one sandbox. */
async function permissionsOf(
  permissions: readonly string[],
  asked: readonly AskedPermission[] = [],
): Promise<{ readonly [key: string]: readonly string[] }> {
  let found: { [key: string]: string[] } = {};
  await withTempDir(async (directory) => {
    const sandboxes: { [name: string]: SandboxRecord } = { prepare: { permissions, asked } };
    await writePermissions({ directory, pluginDirectory: PLUGIN, inputs: INPUTS }, sandboxes);
    found = JSON.parse(await Deno.readTextFile(join(directory, "permissions.json")));
  });
  return found;
}

/** Paths, and what replaces them in a record. */
const PLACES: { readonly [path: string]: string } = {
  [PLUGIN]: "<plugin>",
  [`${PLUGIN}/lib/a.ts`]: "<plugin>/lib/a.ts",
  [join(FRAMEWORK_ROOT, "core")]: "<beamline>/core",
  "/data/jets.npz": "<input>/jets.npz",
  "/data/showers": "<input>/showers",
  "/data/showers/deep/1.h5": "<input>/showers/deep/1.h5",
  [SHARED]: "<shared>",
  [`${SHARED}/tables`]: "<shared>/tables",
  [`${SHARED}.answers/1`]: "<answers>/1",
  [`${PLUGIN}/cache/shared/${UUID}/written/a`]: "<shared>/a",
  [PREPARED]: "<prepared>",
  "/etc/passwd": "<outside>/passwd",
  [`${PLUGIN}-other`]: "<outside>/jets-other",
};

Deno.test("writePermissions() names each path by what it is, so that no machine shows", async () => {
  for (const [path, place] of Object.entries(PLACES)) {
    const { prepare } = await permissionsOf([`--allow-read=${path}`]);
    assert.deepEqual(prepare, [`--allow-read=${place}`]);
  }
  const all = `--allow-read=${Object.keys(PLACES).join(",")}`;
  assert.deepEqual((await permissionsOf([all])).prepare, [`--allow-read=${Object.values(PLACES).join(",")}`]);
});

Deno.test("writePermissions() leaves flags without paths", async () => {
  const flags = ["--no-prompt", "--allow-net=example.org", `--allow-read=${PLUGIN}/a,${PLUGIN}`];
  const { prepare } = await permissionsOf(flags);
  assert.deepEqual(prepare, ["--no-prompt", "--allow-net=example.org", "--allow-read=<plugin>/a,<plugin>"]);
});

Deno.test("writePermissions() lists what was used folder by folder, inputs file by file", async () => {
  const core = join(FRAMEWORK_ROOT, "core");
  const flags = [`--allow-read=${PLUGIN},${core},${PREPARED},/data/jets.npz`, `--allow-write=${SHARED}`];
  const read = (value: string): AskedPermission => ({ permission: "read", value });
  const record = await permissionsOf(flags, [
    read(`${PLUGIN}/mod.ts`),
    read(`${PLUGIN}/lib/a.ts`),
    read(`${core}/types.ts`),
    read(`${PREPARED}/train/x.npy`),
    read("/data/jets.npz"),
    { permission: "write", value: `${SHARED}/figures/1.svg` },
  ]);
  assert.deepEqual(record["used: prepare"], [
    "read <beamline>/core",
    "read <input>/jets.npz",
    "read <plugin>",
    "read <prepared>",
    "write <shared>",
  ]);
  assert.equal("refused: prepare" in record, false);
});

Deno.test("writePermissions() lists what was denied, each thing once", async () => {
  const net = { permission: "net", value: "example.org:443" };
  const record = await permissionsOf([`--allow-read=${PLUGIN}`], [
    net,
    net,
    { permission: "read", value: "/etc/passwd" },
    { permission: "read", value: `${PLUGIN}-other/secret` }, // beside the granted folder, not in it
    { permission: "write", value: `${PLUGIN}/mod.ts` }, // granted for reading only
  ]);
  assert.deepEqual(record["used: prepare"], []);
  assert.deepEqual(record["refused: prepare"], [
    "net example.org:443",
    "read <outside>/passwd",
    "read <outside>/secret",
    "write <plugin>/mod.ts",
  ]);
});

Deno.test("withoutPaths() replaces paths in all texts of a value, the deepest folder first", () => {
  const surroundings = { pluginDirectory: PLUGIN, inputs: INPUTS, folders: { "<run>": "/home/a", "": "/" } };
  const value = {
    message: `Cannot read "/data/jets.npz": asked by ${PLUGIN}/mod.ts:3:7`,
    list: ["/home/a/runs/1", { deep: "/data/showers/other.h5" }, 3, null, true],
    "/home/a": "keys stay",
  };
  assert.deepEqual(withoutPaths(value, surroundings), {
    message: 'Cannot read "<input>/jets.npz": asked by <plugin>/mod.ts:3:7',
    list: ["<run>/runs/1", { deep: "<input>/showers/other.h5" }, 3, null, true],
    "/home/a": "keys stay",
  });
});

Deno.test("withoutPaths() leaves paths that only begin with the same letters", () => {
  const surroundings = { pluginDirectory: PLUGIN, inputs: INPUTS, folders: {} };
  for (const text of [`${PLUGIN}-other/a`, `${PLUGIN}2`, "/data/jets.npz.bak", "/data/jets.npz_old"]) {
    assert.equal(withoutPaths(text, surroundings), text);
  }
  for (const [end, kept] of [["", ""], [".", "."], [", and", ", and"], ["/x", "/x"]] as const) {
    assert.equal(withoutPaths(PLUGIN + end, surroundings), `<plugin>${kept}`);
  }
});

Deno.test("digestInputs() digests files, and all files of a folder, sorted by their paths", async () => {
  await withTempDir(async (directory) => {
    const folder = join(directory, "showers");
    await Deno.mkdir(join(folder, "b"), { recursive: true });
    for (const name of ["c.txt", "a.txt", "b/2.txt", "b/1.txt"]) {
      await Deno.writeTextFile(join(folder, name), "abc");
    }
    await Deno.symlink(join(folder, "a.txt"), join(folder, "link.txt")); // not followed
    await Deno.writeTextFile(join(directory, "empty.txt"), "");
    const found = await digestInputs([join(directory, "empty.txt"), folder]);
    assert.deepEqual(found.map(({ name }) => name), [
      "empty.txt", // in the order given
      "showers/a.txt",
      "showers/b/1.txt",
      "showers/b/2.txt",
      "showers/c.txt",
    ]);
    assert.deepEqual(found[1], { name: "showers/a.txt", path: join(folder, "a.txt"), bytes: 3, sha256: ABC });
    assert.equal(found[0]!.bytes, 0);
  });
});

/** The JSON files of `provenance/` for a plugin with one module. */
async function provenanceOf(
  use: (read: (name: string) => Promise<Record<string, unknown>>, directory: string) => Promise<void>,
): Promise<void> {
  await withTempDir(async (parent) => {
    const [directory, pluginDirectory] = [join(parent, "provenance"), join(parent, "plugin")];
    for (const folder of [directory, pluginDirectory]) await Deno.mkdir(folder);
    await Deno.writeTextFile(join(pluginDirectory, "mod.ts"), "abc");
    await Deno.writeTextFile(join(pluginDirectory, "notes.txt"), "not a module");
    await writeProvenance({ directory, pluginDirectory, inputs: INPUTS });
    await use(async (name) => JSON.parse(await Deno.readTextFile(join(directory, name))), directory);
  });
}

Deno.test("writeProvenance() records modules, inputs without their paths, and the lock file", async () => {
  await provenanceOf(async (read, directory) => {
    const { plugin, framework } = await read("modules.json") as Record<string, Record<string, string>>;
    assert.deepEqual(plugin, { "mod.ts": ABC });
    assert.match(framework!["run/provenance/provenance.ts"]!, /^[0-9a-f]{64}$/);
    assert.equal(Object.keys(framework!).some((path) => path.includes("_test.")), false);
    assert.deepEqual(await read("inputs.json"), INPUTS.map(({ path: _path, ...record }) => record));
    assert.deepEqual(
      await Deno.readFile(join(directory, "deno.lock")),
      await Deno.readFile(join(FRAMEWORK_ROOT, "deno.lock")),
    );
    assert.deepEqual(await read("git.json"), { checkout: false });
    assert.equal(await exists(join(directory, "diff.patch")), false);
  });
});

Deno.test("writeProvenance() records the environment, and variables that can change results", async () => {
  const before = Deno.env.get("OMP_WAIT_POLICY");
  Deno.env.set("OMP_WAIT_POLICY", "passive");
  try {
    await provenanceOf(async (read) => {
      const { osRelease, cpu, logicalCores, memoryBytes, variables, ...rest } = await read(
        "environment.json",
      );
      const { deno, v8, typescript } = Deno.version;
      const { os, arch, target } = Deno.build;
      assert.deepEqual(rest, { deno, v8, typescript, os, arch, target });
      assert.equal(typeof osRelease, "string");
      if (os === "linux") assert.ok(cpu !== null, "with the permissions of the tasks, too");
      assert.ok(cpu === null || typeof (cpu as { model: unknown }).model === "string");
      assert.ok((logicalCores as number) >= 1 && (memoryBytes as number) > 0);
      assert.equal((variables as Record<string, string>).OMP_WAIT_POLICY, "passive");
      const known = ["DENO_V8_FLAGS", "NODE_OPTIONS", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "TZ"];
      assert.deepEqual(Object.keys(variables as object).filter((name) => !known.includes(name)), []);
    });
  } finally {
    if (before === undefined) Deno.env.delete("OMP_WAIT_POLICY");
    else Deno.env.set("OMP_WAIT_POLICY", before);
  }
});
