import assert from "node:assert/strict";
import type { TrainingRecord } from "../../core/types.ts";
import type { TrainOutcome } from "../../train/types.ts";
import { printed } from "../../tests/support/printed.ts";
import { terminalListener } from "./progress.ts";

const POSITION = { model: "m", step: 3, totalSteps: 30, epoch: 0, epochs: 10, loss: 0.5 };
const record = (changes: Partial<TrainingRecord> = {}): TrainingRecord =>
  ({
    step: 3,
    epoch: 1,
    split: "train",
    loss: 0.123456,
    learningRate: 0.001,
    seconds: 2,
    ...changes,
  }) as TrainingRecord;
const outcome = (bestLoss: number | null): TrainOutcome =>
  ({ counters: { bestLoss, bestEpoch: 4, epoch: 9, step: 270 }, reason: "early-stopping" }) as TrainOutcome;

/** What a listener prints to standard error for some calls. */
async function heard(
  calls: (listener: ReturnType<typeof terminalListener>) => void,
  { isQuiet = false, isLive = false } = {},
): Promise<string> {
  const { stdout, stderr } = await printed(() => calls(terminalListener(isQuiet, isLive)));
  assert.equal(stdout, "");
  return stderr;
}

Deno.test("terminalListener() prints a line per epoch where there is no terminal, none per step", async () => {
  assert.equal(
    await heard((listener) => {
      listener.onStep?.(POSITION);
      listener.onRecord?.("m", record(), 10);
      listener.onRecord?.("m", record({ split: "validation", loss: 0.2 }), 10);
      listener.onRecord?.("m", record({ epoch: 9, loss: 12 }), 10);
      listener.onRecord?.("m", record({ epoch: 10, loss: 11, accuracy: 0.5 }), 10);
      listener.onRecord?.("m", record({ epoch: 10, split: "validation", loss: 13, accuracy: 0.25 }), 10);
    }),
    [
      "  epoch 1/10  loss 0.1235  validation loss 0.2000  rate 1.0e-3  2.00s",
      "  epoch 9/10  loss 12.00  rate 1.0e-3  2.00s",
      " epoch 10/10  loss 11.00  validation loss 13.00  accuracy 0.5000  validation accuracy 0.2500  rate 1.0e-3  2.00s",
    ].join("\n"),
  );
});

Deno.test("terminalListener() prints an epoch without validation when training ends", async () => {
  const text = await heard((listener) => {
    listener.onRecord?.("m", record({ a: 1, b: 2, c: 3, d: 4, e: 5 }), 10);
    listener.onTrained?.("m", outcome(null));
  });
  assert.match(
    text,
    /^ {2}epoch 1\/10 {2}loss 0\.1235 {2}a 1\.000 {2}b 2\.000 {2}c 3\.000 {2}and 2 more {2}rate/,
  );
});

Deno.test("terminalListener() leaves epochs to the bar on a terminal", async () => {
  assert.equal(await heard((listener) => listener.onRecord?.("m", record(), 10), { isLive: true }), "");
});

Deno.test("terminalListener() prints a phase when it ends, and where it came from", async () => {
  assert.equal(
    await heard((listener) => {
      listener.onPhase?.("prepare", "begins");
      listener.onPhase?.("prepare", "cached");
      listener.onPhase?.("train", "ends", 61);
    }),
    "    prepared  from the cache\n     trained  1m 01s",
  );
});

Deno.test("terminalListener() passes on what the plugin logs and warns of", async () => {
  assert.equal(
    await heard((listener) => {
      listener.onEvent?.({ event: "log", text: "reading" } as never);
      listener.onEvent?.({ event: "warn", code: "few-rows", message: "31 rows" } as never);
    }),
    "         log  reading\n     warning  31 rows",
  );
});

Deno.test("terminalListener() says why training ended, with the best loss where there is one", async () => {
  assert.equal(
    await heard((listener) => {
      listener.onTrained?.("m", outcome(0.25));
      listener.onTrained?.("m", outcome(null));
    }),
    "early-stopping  m: 9 epochs, 270 steps, best loss 0.2500 in epoch 4\nearly-stopping  m: 9 epochs, 270 steps",
  );
});

Deno.test("terminalListener() is silent when it is quiet", () => {
  assert.deepEqual(terminalListener(true), {});
});
