/**
 * Work that goes on while something else is done.
 *
 * @module
 */

/**
 * Runs a limited number of pieces of work at a time. Whoever adds one waits for room, so that what the work holds, such
 * as a batch on its way to the engine, is bounded too. Packages that limit promises, such as p-limit, queue without a
 * bound.
 */
export class BoundedQueue {
  readonly #running: Promise<unknown>[] = [];

  /** @param limit Pieces at a time. */
  constructor(readonly limit: number = 1) {}

  /**
   * Starts work when there is room, and returns then. Room is made by the oldest piece, and what it failed with is thrown
   * here; the new work is not started then.
   */
  async add(work: () => Promise<unknown>): Promise<void> {
    while (this.#running.length >= this.limit) await this.#running.shift();
    const running = work();
    running.catch(() => {}); // thrown where it is waited for
    this.#running.push(running);
  }

  /** Waits for all work, the oldest first, and throws what the first failed with. */
  async drain(): Promise<void> {
    while (this.#running.length > 0) await this.#running.shift();
  }
}
