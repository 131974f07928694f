import assert from "node:assert/strict";
import { BoundedQueue } from "./bounded_queue.ts";

/** Work that ends when it is told to, and the names of what was started. */
function pieces(names: string): { [name: string]: PromiseWithResolvers<void> } {
  return Object.fromEntries([...names].map((name) => [name, Promise.withResolvers<void>()]));
}

/** Lets everything go on that can. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("BoundedQueue.add() starts work up to the limit and waits for the oldest", async () => {
  const queue = new BoundedQueue(2);
  const work = pieces("abc");
  const started: string[] = [];
  const add = (name: string) =>
    queue.add(() => {
      started.push(name);
      return work[name]!.promise;
    });
  await add("a");
  await add("b");
  const third = add("c");
  work.b!.resolve();
  await settle();
  assert.deepEqual(started, ["a", "b"]);
  work.a!.resolve();
  await third;
  assert.deepEqual(started, ["a", "b", "c"]);
  work.c!.resolve();
  await queue.drain();
});

Deno.test("BoundedQueue.drain() waits for all work", async () => {
  const queue = new BoundedQueue(3);
  const work = pieces("abc");
  for (const { promise } of Object.values(work)) await queue.add(() => promise);
  let isDrained = false;
  const drained = queue.drain().then(() => isDrained = true);
  work.c!.resolve();
  work.a!.resolve();
  await settle();
  assert.equal(isDrained, false);
  work.b!.resolve();
  await drained;
});

Deno.test("BoundedQueue.add() throws what the oldest work failed with and starts nothing then", async () => {
  const queue = new BoundedQueue();
  await queue.add(() => Promise.reject(new Error("oldest")));
  await settle(); // no rejection is left unhandled
  let isStarted = false;
  const add = () =>
    queue.add(() => {
      isStarted = true;
      return Promise.resolve();
    });
  await assert.rejects(add(), /oldest/);
  assert.equal(isStarted, false);
  await add();
  await queue.drain();
  assert.equal(isStarted, true);
});

Deno.test("BoundedQueue.drain() throws the failure of the work that was added first", async () => {
  const queue = new BoundedQueue(2);
  const work = pieces("ab");
  for (const { promise } of Object.values(work)) await queue.add(() => promise);
  work.b!.reject(new Error("second"));
  await settle();
  work.a!.reject(new Error("first"));
  await assert.rejects(queue.drain(), /first/);
});
