/**
 * A crew: threads that make foreign calls at the same time as this one.
 *
 * Deno makes a foreign call either here or on any thread of its pool, none of which can be told how to treat denormal
 * numbers (`float_mode.ts`), nor begins within microseconds. So the crew are workers that wait on shared memory: handing
 * over a call and learning that it is done takes 10 µs together. They do not keep the process alive, and live as long as
 * it does.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { CALL_WORDS, CREW_STATE, type CrewPost, postViews } from "./mailbox.ts";

/** A member of the crew: the memory that is shared with it. */
type Member = ReturnType<typeof postViews>;

const members: Member[] = [];

/**
 * Waits until the crew has at least `size` members.
 *
 * @returns A function that makes foreign calls at the same time: `own` here, the others by one member each. Each of the
 * others is described by the words of {@linkcode CALL_WORDS}; the result is what they returned, in order.
 */
export async function openCrew(
  size: number,
): Promise<(own: () => void, others: readonly BigUint64Array[]) => readonly bigint[]> {
  while (members.length < size) members.push(await hire());
  return (own, others) => {
    others.forEach((call, i) => begin(members[i]!, call));
    try {
      own();
    } finally {
      // Also when the own call failed: nobody may go on writing into memory that is freed.
      for (let i = 0; i < others.length; i++) end(members[i]!);
    }
    return others.map((_, i) => members[i]!.words[CALL_WORDS]!);
  };
}

async function hire(): Promise<Member> {
  const post: CrewPost = { memory: new SharedArrayBuffer(8 * (CALL_WORDS + 2)) };
  const member = postViews(post);
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: post });
  const failed = new Promise<never>((_, reject) => worker.once("error", reject));
  const ready = Atomics.waitAsync(member.state, 0, CREW_STATE.starting);
  await Promise.race([ready.value, failed]);
  failed.catch(() => {});
  worker.unref(); // not earlier: nothing else would keep the process waiting for it
  return member;
}

function begin({ state, words }: Member, call: BigUint64Array): void {
  words.set(call);
  Atomics.store(state, 0, CREW_STATE.working);
  Atomics.notify(state, 0);
}

function end({ state }: Member): void {
  while (Atomics.load(state, 0) === CREW_STATE.working) Atomics.wait(state, 0, CREW_STATE.working);
}
