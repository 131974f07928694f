/**
 * A worker pool: threads that make foreign calls at the same time as this one.
 *
 * Deno makes a foreign call either here or on any thread of its pool, none of which can be told how to treat denormal
 * numbers (`float_mode.ts`), nor begins within microseconds. So the workers of this pool wait on shared memory: handing
 * over a call and learning that it is done takes 10 µs together. They do not keep the process alive, and live as long as
 * it does.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { CALL_WORDS, mailboxViews, WORKER_STATE, type WorkerMailbox } from "./mailbox.ts";

/** A worker of the pool: the memory that is shared with it. */
type Mailbox = ReturnType<typeof mailboxViews>;

const mailboxes: Mailbox[] = [];

/**
 * Waits until the pool has at least `size` workers.
 *
 * @returns A function that makes foreign calls at the same time: `own` here, the others by one worker each. Each of the
 * others is described by the words of {@linkcode CALL_WORDS}; the result is what they returned, in order.
 */
export async function openWorkerPool(
  size: number,
): Promise<(own: () => void, others: readonly BigUint64Array[]) => readonly bigint[]> {
  while (mailboxes.length < size) mailboxes.push(await startWorker());
  return (own, others) => {
    others.forEach((call, i) => begin(mailboxes[i]!, call));
    try {
      own();
    } finally {
      // Also when the own call failed: nobody may go on writing into memory that is freed.
      for (let i = 0; i < others.length; i++) end(mailboxes[i]!);
    }
    return others.map((_, i) => mailboxes[i]!.words[CALL_WORDS]!);
  };
}

async function startWorker(): Promise<Mailbox> {
  const post: WorkerMailbox = { memory: new SharedArrayBuffer(8 * (CALL_WORDS + 2)) };
  const mailbox = mailboxViews(post);
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: post });
  const failed = new Promise<never>((_, reject) => worker.once("error", reject));
  const ready = Atomics.waitAsync(mailbox.state, 0, WORKER_STATE.starting);
  await Promise.race([ready.value, failed]);
  failed.catch(() => {});
  worker.unref(); // not earlier: nothing else would keep the process waiting for it
  return mailbox;
}

function begin({ state, words }: Mailbox, call: BigUint64Array): void {
  words.set(call);
  Atomics.store(state, 0, WORKER_STATE.working);
  Atomics.notify(state, 0);
}

function end({ state }: Mailbox): void {
  while (Atomics.load(state, 0) === WORKER_STATE.working) Atomics.wait(state, 0, WORKER_STATE.working);
}
