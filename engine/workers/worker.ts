/**
 * A worker of the pool: waits for calls and makes them; see `pool.ts`. Runs in a worker.
 *
 * @module
 */
import { workerData } from "node:worker_threads";
import { CALL_WORDS, mailboxViews, WORKER_STATE, type WorkerMailbox } from "./mailbox.ts";
import { openFloatMode } from "./float_mode.ts";

const RUN = {
  parameters: ["pointer", "pointer", "pointer", "pointer", "usize", "pointer", "usize", "pointer"],
  result: "pointer",
} as const;

const { state, words } = mailboxViews(workerData as WorkerMailbox);
const floatMode = openFloatMode();
const functions = new Map<bigint, Deno.UnsafeFnPointer<typeof RUN>>();

function functionAt(address: bigint): Deno.UnsafeFnPointer<typeof RUN> {
  const known = functions.get(address);
  if (known) return known;
  const made = new Deno.UnsafeFnPointer(
    Deno.UnsafePointer.create(address)! as Deno.PointerObject<typeof RUN>,
    RUN,
  );
  functions.set(address, made);
  return made;
}

function run(): void {
  const pointer = (i: number) => Deno.UnsafePointer.create(words[i]!);
  const call = functionAt(words[0]!);
  floatMode.flush();
  const status = call.call(
    pointer(1),
    null,
    pointer(2),
    pointer(3),
    words[4]!,
    pointer(5),
    words[6]!,
    pointer(7),
  );
  floatMode.restore();
  words[CALL_WORDS] = status === null ? 0n : Deno.UnsafePointer.value(status);
}

Atomics.store(state, 0, WORKER_STATE.waiting);
Atomics.notify(state, 0);
for (;;) {
  while (Atomics.load(state, 0) !== WORKER_STATE.working) Atomics.wait(state, 0, WORKER_STATE.waiting);
  run();
  Atomics.store(state, 0, WORKER_STATE.waiting);
  Atomics.notify(state, 0);
}
