import assert from "node:assert/strict";
import type { ModelProgram } from "../../core/plugin.ts";
import type { Json, NdArray } from "../../core/types.ts";
import { engineByName } from "../../engine/mod.ts";
import * as tf from "../../engine/tf.ts";
import { HostCalls } from "../../sandbox/guest/calls.ts";
import { removeFolder } from "../../files/atomic.ts";
import { join } from "../../files/paths.ts";
import { openSource } from "../../formats/byte_source.ts";
import { SharedDirectory } from "../../sandbox/host/taken.ts";
import { readArrays } from "../../sandbox/protocol/call_arrays.ts";
import { answerFolder, answersOf, RELEASE, releaseAnswer } from "../../sandbox/protocol/shared_directory.ts";
import { traceBuild } from "../../tests/support/tracing.ts";
import { LoadedModel } from "../../train/models.ts";
import { ProgramCalls, type ProgramCallsOptions } from "./program_calls.ts";

/** Sums of x and of x weighted by a shared vector; and rows times two. */
const PROGRAMS: { readonly [name: string]: ModelProgram } = {
  sums: {
    rows: 2,
    inputs: { x: { shape: [3] }, w: { shape: [3], shared: true } },
    sums: ["plain", "weighted"],
    run: ({ x, w }) => ({ plain: tf.sum(x!, 0), weighted: tf.sum(tf.mul(x!, w!), 0) }),
  },
  twice: { rows: 2, inputs: { x: { shape: [3] } }, run: ({ x }) => ({ y: tf.mul(x!, 2) }) },
};

interface Both {
  readonly sandbox: HostCalls;
  readonly host: ProgramCalls;
  readonly sharedDirectory: string;
}

/** Both sides, without a process between them. */
async function withCalls(
  use: (both: Both) => Promise<void>,
  options: ProgramCallsOptions = {},
): Promise<void> {
  const sharedDirectory = await Deno.makeTempDir();
  const shared = new SharedDirectory(sharedDirectory, `${sharedDirectory}.taken`);
  const { programs } = await traceBuild(() => ({ programs: PROGRAMS }));
  const engine = await engineByName("native");
  const model = new LoadedModel("algebra", programs, await engine.open({}), 0);
  const host = new ProgramCalls(new Map([["algebra", model]]), shared, options);
  const callHost = async (method: string, args: Json): Promise<Json> => {
    if (method !== RELEASE) return await host.answer(method, args);
    await releaseAnswer(sharedDirectory, args);
    return null;
  };
  const sandbox = new HostCalls({ sharedDirectory, callHost });
  sandbox.declare("algebra", PROGRAMS);
  try {
    await use({ sandbox, host, sharedDirectory });
  } finally {
    await model.dispose();
    for (const path of [sharedDirectory, answersOf(sharedDirectory), shared.aside]) await removeFolder(path);
  }
}

function rows(...values: number[]): NdArray<"float32"> {
  return { dtype: "float32", shape: [values.length / 3, 3], data: Float32Array.from(values) };
}

const WEIGHTS: NdArray = { dtype: "float32", shape: [3], data: Float32Array.of(1, 10, 100) };

/** Names of everything below a folder. */
function below(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? below(`${folder}/${name}`) : [name]
  );
}

Deno.test("upload() sends an array once for many calls, as it was at that moment", async () => {
  await withCalls(async ({ sandbox, sharedDirectory }) => {
    const array = rows(1, 2, 3, 4, 5, 6, 7, 8, 9);
    const kept = sandbox.upload(array);
    array.data.fill(-1);
    assert.deepEqual([kept.dtype, kept.shape], ["float32", [3, 3]]);
    const first = sandbox.call("algebra", "twice", { x: kept });
    const second = sandbox.call("algebra", "sums", { x: kept, w: WEIGHTS });
    assert.deepEqual((await first).y!.data, Float32Array.of(2, 4, 6, 8, 10, 12, 14, 16, 18));
    assert.deepEqual((await second).weighted!.data, Float64Array.of(12, 150, 1800));
    await kept.dispose();
    await assert.rejects(sandbox.call("algebra", "twice", { x: kept }), {
      name: "NotFoundError",
      message: /^Cannot use device array \d+ as it must be here: it was let go of, or never came$/,
    });
    assert.deepEqual(below(sharedDirectory), []);
  });
});

Deno.test("upload() stays within its bytes; the calls that use an array tell, and dispose() makes room", async () => {
  const most = 2 * (36 + 1024); // two arrays of nine numbers, 1 KiB beside each
  await withCalls(async ({ sandbox }) => {
    const array = rows(1, 2, 3, 4, 5, 6, 7, 8, 9);
    const [first, , third] = [sandbox.upload(array), sandbox.upload(array), sandbox.upload(array)];
    await sandbox.call("algebra", "twice", { x: first! });
    await assert.rejects(sandbox.call("algebra", "twice", { x: third! }), {
      name: "RangeError",
      message:
        `Cannot keep more for a sandbox as its arrays and sums may have at most ${most} bytes: with these they have ${
          most + 36 + 1024
        }`,
    });
    await first!.dispose();
    const again = sandbox.upload(array);
    assert.equal((await sandbox.call("algebra", "twice", { x: again })).y!.data[8], 18);
  }, { mostBytes: most });
});

Deno.test("accumulate() adds up calls that do not wait for each other, and ends with its total", async () => {
  await withCalls(async ({ sandbox, sharedDirectory }) => {
    const sum = sandbox.accumulate("algebra", "sums");
    const array = rows(0, 0, 0);
    const adding: Promise<void>[] = [];
    for (let i = 1; i <= 5; i++) {
      array.data.fill(i);
      adding.push(sum.add({ x: array, w: WEIGHTS }));
    }
    await Promise.all(adding);
    const { plain, weighted } = await sum.total();
    assert.deepEqual(plain, { dtype: "float64", shape: [3], data: Float64Array.of(15, 15, 15) });
    assert.deepEqual(weighted!.data, Float64Array.of(15, 150, 1500));
    await assert.rejects(sum.total(), { name: "NotFoundError", message: /^Cannot use accumulator \d+ as / });
    assert.deepEqual(below(sharedDirectory), []);
  });
});

Deno.test("accumulate() waits with its total for all that was added", async () => {
  await withCalls(async ({ sandbox }) => {
    const sum = sandbox.accumulate("algebra", "sums");
    for (let i = 1; i <= 5; i++) void sum.add({ x: rows(i, i, i), w: WEIGHTS });
    assert.deepEqual((await sum.total()).plain!.data, Float64Array.of(15, 15, 15));
  });
});

Deno.test("accumulate() refuses programs with other outputs, sums that are too large, and a change of program", async () => {
  await withCalls(async ({ sandbox, host }) => {
    await assert.rejects(sandbox.accumulate("algebra", "twice").add({ x: rows(1, 2, 3) }), {
      name: "TypeError",
      message: 'Cannot accumulate program "twice" as all its outputs must be sums: found "y"',
    });
    const request = { model: "algebra", call: 1, inputs: [], uploaded: {}, shared: ["w"], sums: ["y"] };
    const refused = host.answer("add", { ...request, program: "sums", accumulator: 900 });
    await assert.rejects(refused); // nothing was sent with it
    await assert.rejects(host.answer("add", { ...request, program: "twice", accumulator: 900 }), {
      name: "TypeError",
      message:
        'Cannot add to accumulator 900 as it is for program "sums" of model "algebra": found "twice" of "algebra"',
    });
  });
  await withCalls(async ({ sandbox }) => {
    const sum = sandbox.accumulate("algebra", "sums");
    await assert.rejects(sum.add({ x: rows(1, 2, 3), w: WEIGHTS }), RangeError);
    await assert.rejects(sum.total(), { name: "NotFoundError" });
  }, { mostBytes: 1000 });
});

Deno.test("accumulate() counts its sums whenever they come, and an accumulator without any", async () => {
  const most = 3 * 1024 + 48; // three accumulators, the sums (2 × 3 float64) of one
  await withCalls(async ({ sandbox }) => {
    const [first, second, third] = [1, 2, 3].map(() => sandbox.accumulate("algebra", "sums"));
    for (const sum of [first!, second!, third!]) await sum.add({ x: rows(), w: WEIGHTS });
    await assert.rejects(sandbox.accumulate("algebra", "sums").add({ x: rows(), w: WEIGHTS }), {
      name: "RangeError",
      message: /at most 3120 bytes: with these they have 4096$/,
    });
    await first!.add({ x: rows(1, 2, 3), w: WEIGHTS });
    await first!.add({ x: rows(1, 2, 3), w: WEIGHTS });
    await assert.rejects(second!.add({ x: rows(1, 2, 3), w: WEIGHTS }), RangeError);
    assert.deepEqual((await first!.total()).plain!.data, Float64Array.of(2, 4, 6));
    await third!.add({ x: rows(1, 2, 3), w: WEIGHTS }); // there is room again
    await third!.total();
    await sandbox.accumulate("algebra", "sums").add({ x: rows(), w: WEIGHTS });
  }, { mostBytes: most });
});

Deno.test("answer() names what is not there", async () => {
  await withCalls(async ({ sandbox, host }) => {
    await assert.rejects(host.answer("totl", {}), {
      name: "NotFoundError",
      nearest: "total",
      message:
        'Cannot answer "totl" as there is no such method: known are predict, call, upload, dispose, add, total',
    });
    await assert.rejects(sandbox.call("algebr", "sums", {}), {
      name: "NotFoundError",
      nearest: "algebra",
      message: 'Cannot call model "algebr" as it was not trained: known are algebra',
    });
  });
});

Deno.test("predict() by split takes the rows that the host has, and names the splits there are", async () => {
  const x = { dtype: "float32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
  const tables = { test: { x: { ...x, dims: ["row", "axis_1"], unit: "1" } } };
  await withCalls(async ({ sandbox, host, sharedDirectory }) => {
    const request = { model: "algebra", program: "twice", inputs: [], uploaded: {}, shared: [], sums: [] };
    assert.deepEqual(await host.answer("predict", { ...request, call: 1, split: "test" }), ["y"]);
    const [y] = Object.values(
      readArrays((file) => openSource(join(answerFolder(sharedDirectory, 1), file)), ["y"]),
    );
    assert.deepEqual([...y!.data], [2, 4, 6, 8, 10, 12]);
    await assert.rejects(sandbox.predict("algebra", "tset"), {
      name: "NotFoundError",
      message: 'Cannot predict for split "tset" as prepare gave test: found no such table',
      nearest: "test",
    });
  }, { tables });
});
