import assert from "node:assert/strict";
import { inPool } from "./pool.ts";

/** Counts what runs at the same time. */
function counter(work: (item: number) => Promise<number>) {
  const state = { running: 0, most: 0, begun: [] as number[] };
  const run = async (item: number): Promise<number> => {
    state.begun.push(item);
    state.most = Math.max(state.most, ++state.running);
    try {
      return await work(item);
    } finally {
      state.running--;
    }
  };
  return { state, run };
}

const soon = (item: number): Promise<number> =>
  new Promise((resolve) => setTimeout(() => resolve(item * 10), (7 - item) * 2));

Deno.test("inPool() gives results in order, with at most so many at once", async () => {
  for (const [parallel, most] of [[1, 1], [3, 3], [0, 1], [99, 5]] as const) {
    const { state, run } = counter(soon);
    const results = await inPool({
      items: [1, 2, 3, 4, 5],
      parallel: () => parallel,
      isStopped: () => false,
      run,
    });
    assert.deepEqual(results, [10, 20, 30, 40, 50]);
    assert.equal(state.most, most);
  }
});

Deno.test("inPool() begins nothing after an error or a stop, and waits for what runs", async () => {
  const { state, run } = counter(async (item) => {
    await soon(item);
    if (item === 1) throw new Error("one failed");
    return item;
  });
  const pool = { items: [1, 2, 3, 4, 5], parallel: () => 2, isStopped: () => false, run };
  await assert.rejects(inPool(pool), /one failed/);
  assert.ok(state.begun.length < 5 && state.running === 0);
  const stopped = counter(soon);
  const isStopped = (): boolean => stopped.state.begun.length === 2;
  assert.deepEqual(await inPool({ ...pool, parallel: () => 1, isStopped, run: stopped.run }), [10, 20]);
});
