/**
 * Work that goes on while something else is done.
 *
 * @module
 */

/** Some pieces of work at a time, behind whoever begins them. */
export class Behind {
  readonly #begun: Promise<unknown>[] = [];

  /** @param most Pieces at a time. */
  constructor(readonly most: number = 1) {}

  /** Begins work when there is room for it, and returns then. What failed before is thrown here. */
  async begin(work: () => Promise<unknown>): Promise<void> {
    while (this.#begun.length >= this.most) await this.#begun.shift();
    const begun = work();
    begun.catch(() => {}); // told when it is waited for
    this.#begun.push(begun);
  }

  /** Waits for everything that was begun. */
  async finish(): Promise<void> {
    while (this.#begun.length > 0) await this.#begun.shift();
  }
}
