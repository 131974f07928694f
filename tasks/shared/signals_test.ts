import assert from "node:assert/strict";
import { printed } from "../../tests/support/printed.ts";
import { stopSignal } from "./signals.ts";

Deno.test("stopSignal() stops once, calls everybody, and ends at the second time", async () => {
  const heard: string[] = [];
  let time = 0;
  const signal = stopSignal(false, () => void heard.push("end"), () => time);
  signal.onStop(() => void heard.push("first"));
  signal.onStop(() => void heard.push("second"));
  assert.equal(signal.isStopped, false);
  const { stderr } = await printed(() => signal.stop());
  assert.equal(signal.isStopped, true);
  assert.match(stderr, /saving a checkpoint; press Ctrl-C again to stop now/);
  assert.deepEqual(heard, ["first", "second"]);
  time += 300; // the same Ctrl-C, passed on by `deno task`
  signal.stop();
  assert.deepEqual(heard, ["first", "second"]);
  time += 300;
  assert.equal((await printed(() => signal.stop())).stderr, "");
  assert.deepEqual(heard, ["first", "second", "end"]);
});

Deno.test("stopSignal() says nothing when it is quiet", async () => {
  assert.equal((await printed(() => stopSignal(true, () => {}).stop())).stderr, "");
});
