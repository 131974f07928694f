import assert from "node:assert/strict";
import { DataError, type HookContext, randomFor } from "beamline";
import { createHdf5 } from "beamline/data";
import { ringBins } from "./binning.ts";
import { writeBins } from "./bins.ts";
import { type Config, config as schema } from "./config.ts";
import { firstPasses } from "./first_passes.ts";
import { geometryFromBins } from "./geometry.ts";
import { closeAll, openSamples } from "./sources.ts";

const ROWS = 400;

/** Showers of 12 voxels, compressed; one event is not finite. */
async function showerFile(path: string, seed: number): Promise<void> {
  const geometry = geometryFromBins([ringBins(0, 4, 3, [1, 1])], "test");
  const random = randomFor({ seed, purpose: "first passes" });
  const data = Float32Array.from(
    { length: ROWS * geometry.voxels },
    () => Math.max(0, 100 * random.normal()),
  );
  data[7 * geometry.voxels] = NaN;
  const writer = await createHdf5(path);
  const chunks = { chunkRows: 100, gzip: 1 };
  const showers = writer.create("showers", { dtype: "float32", rowShape: [geometry.voxels] }, chunks);
  showers.append(data);
  writer.write("incident_energies", {
    dtype: "float64",
    shape: [ROWS, 1],
    data: new Float64Array(ROWS).fill(1e4),
  });
  writeBins(geometry, writer);
  writer.close();
}

/** Reads a reference and two generated files, in this thread or in others. */
async function passesOf(folder: string, fewRows: number) {
  const [reference, ...generated] = ["a", "b", "c"].map((name) => `${folder}/${name}.h5`);
  const config: Config = schema.parse({ reference, generated, classifierRows: 100 });
  const reported: number[] = [];
  const context = {
    warn: () => {},
    progress: (done: number) => reported.push(done),
  } as unknown as HookContext;
  const samples = await openSamples(config, context);
  const sources = [samples.reference, ...samples.generated];
  try {
    return { passes: await firstPasses(sources, config, context, fewRows), reported };
  } finally {
    closeAll(sources);
  }
}

async function withFiles(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [i, name] of ["a", "b", "c"].entries()) await showerFile(`${folder}/${name}.h5`, i);
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("firstPasses() finds the same in threads of their own as in this one", async () => {
  await withFiles(async (folder) => {
    const [here, there] = [await passesOf(folder, Infinity), await passesOf(folder, 0)];
    assert.deepEqual(there.passes, here.passes);
    const labels = there.passes.map(({ label }) => label);
    assert.deepEqual(labels, ["reference", "b", "c"]);
    const { census, features, chosenRows } = there.passes[0]!;
    assert.deepEqual([census.events, census.notFinite, features.rows], [ROWS, 1, ROWS - 1]);
    assert.ok(chosenRows.length >= 199); // twice as many for the reference, less the one that was left out
    assert.deepEqual(there.reported, there.reported.toSorted((a, b) => a - b));
    assert.equal(there.reported.at(-1), 3 * ROWS);
  });
});

Deno.test("firstPasses() names the file that a thread cannot read", async () => {
  await withFiles(async (folder) => {
    const path = `${folder}/c.h5`;
    const bytes = await Deno.readFile(path);
    for (let at = bytes.length / 2; at < bytes.length / 2 + 64; at++) bytes[at | 0]! ^= 0xff;
    await Deno.writeFile(path, bytes);
    const errors = await Promise.all(
      [Infinity, 0].map((few) => passesOf(folder, few).then(() => undefined, (error) => error)),
    );
    for (const error of errors) assert.ok(error instanceof DataError, `${error}`);
    assert.deepEqual(errors.map(({ file }) => file), [path, path]);
    assert.equal(errors[1].message, errors[0].message);
    assert.match(
      errors[0].message,
      /^Cannot read ".*c\.h5" as dataset "showers" must be readable through its filters/,
    );
  });
});
