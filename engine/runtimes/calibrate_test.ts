import assert from "node:assert/strict";
import { kernelProgram, numbers } from "../../tests/conformance/harness.ts";
import { calibrateThreads } from "./calibrate.ts";
import { engineByName } from "./engines.ts";
import type { Engine, Executable, Session } from "./types.ts";

const PROGRAM = kernelProgram("Relu", [numbers([2, 2])], {});

/** An engine whose steps take the given milliseconds by number of threads, on a clock of its own. */
function timed(
  stepMs: readonly number[],
): { engine: Engine; now: () => number; opened: number[]; closed: number[] } {
  let clock = 0;
  const [opened, closed]: number[][] = [[], []];
  const open = (threads: number): Session => {
    opened!.push(threads);
    const executable: Executable = {
      program: PROGRAM,
      run: () => {
        clock += stepMs[threads - 1]!;
        return Promise.resolve({});
      },
      dispose: () => Promise.resolve(),
    };
    return {
      engine: "timed",
      threads,
      compile: () => Promise.resolve(executable),
      state: () => Promise.resolve({}),
      load: () => Promise.resolve(),
      dispose: () => Promise.resolve(void closed!.push(threads)),
    };
  };
  const engine: Engine = {
    name: "timed",
    open: (_, options) => Promise.resolve(open(options?.threads ?? 1)),
  };
  return { engine, now: () => clock, opened: opened!, closed: closed! };
}

Deno.test("calibrateThreads() picks the quickest number of threads and closes all sessions", async () => {
  const { engine, now, opened, closed } = timed([10, 6, 4, 5]);
  const found = await calibrateThreads(engine, PROGRAM, {}, { most: 4, now });
  assert.deepEqual(found, { threads: 3, stepMs: [10, 6, 4, 5] });
  assert.deepEqual([opened, closed], [[1, 2, 3, 4], [1, 2, 3, 4]]);
});

Deno.test("calibrateThreads() does not take a thread that saves less than 3 %", async () => {
  const { engine, now } = timed([10, 9.8, 9.75]);
  assert.equal((await calibrateThreads(engine, PROGRAM, {}, { most: 3, now })).threads, 1);
});

Deno.test("calibrateThreads() leaves engines of one thread alone", async () => {
  const now = () => assert.fail("no step is timed");
  for (const name of ["reference", "wasm"]) {
    const engine = await engineByName(name);
    assert.deepEqual(await calibrateThreads(engine, PROGRAM, {}, { most: 4, now }), {
      threads: 1,
      stepMs: [],
    });
  }
});

Deno.test("calibrateThreads() times steps of the native engine", async () => {
  const engine = await engineByName("native");
  const found = await calibrateThreads(engine, PROGRAM, {}, { most: 2, now: () => performance.now() });
  assert.equal(found.stepMs.length, 2);
  assert.ok(found.stepMs.every((ms) => ms > 0) && [1, 2].includes(found.threads));
});
