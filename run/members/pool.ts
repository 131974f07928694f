/**
 * Runs that are independent of each other, at most so many at the same time.
 *
 * @module
 */

/** What {@linkcode inPool} works on. */
export interface Pool<T, R> {
  readonly items: readonly T[];
  /** How many may run at the same time; asked again before each. */
  parallel(): number;
  /** True = no further one is begun. */
  isStopped(): boolean;
  run(item: T): Promise<R>;
}

/**
 * Works on the items in order. After the first error no further item is begun; it is thrown when those that run have ended.
 *
 * @returns The results of those that were begun, in the order of the items.
 */
export async function inPool<T, R>({ items, parallel, isStopped, run }: Pool<T, R>): Promise<R[]> {
  const results: Promise<R>[] = [];
  const running = new Set<Promise<unknown>>();
  let hasFailed = false;
  for (const item of items) {
    while (running.size > 0 && running.size >= Math.max(1, parallel())) await Promise.race(running);
    if (hasFailed || isStopped()) break;
    const result = run(item);
    const ended: Promise<unknown> = result.catch(() => hasFailed = true).finally(() => running.delete(ended));
    running.add(ended);
    results.push(result);
  }
  await Promise.all(running);
  return await Promise.all(results);
}
