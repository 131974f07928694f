/**
 * What a pool and its workers agree on.
 *
 * @module
 */

/** What a worker does. */
export const WORKER_STATE = { starting: 0, waiting: 1, working: 2 } as const;

/**
 * Words that describe a call of `OrtApi::Run`: its address, then session, input names, input values, their number, output
 * names, their number, output values. The status that it returns comes behind them.
 */
export const CALL_WORDS = 8;

/** What a worker is given. */
export interface WorkerMailbox {
  /** Eight bytes for the state, then the words of the call, then its result. */
  readonly memory: SharedArrayBuffer;
}

/** The shared memory as numbers. */
export function mailboxViews(
  { memory }: WorkerMailbox,
): { readonly state: Int32Array; readonly words: BigUint64Array } {
  return { state: new Int32Array(memory, 0, 1), words: new BigUint64Array(memory, 8, CALL_WORDS + 1) };
}
