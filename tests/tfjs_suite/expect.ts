/**
 * The matchers and spies of Jasmine that tfjs's tests use.
 *
 * @module
 */
import { inspect, isDeepStrictEqual } from "node:util";

/** A value that says itself whether another equals it. */
interface Asymmetric {
  asymmetricMatch(other: unknown): boolean;
}

type Expected = readonly unknown[];

/** Whether a matcher holds. */
type Matcher = (actual: unknown, ...expected: Expected) => boolean;

const equals = (actual: unknown, expected: unknown): boolean => {
  const asymmetric = expected as Partial<Asymmetric> | null | undefined;
  if (typeof asymmetric?.asymmetricMatch === "function") return asymmetric.asymmetricMatch(actual);
  return isDeepStrictEqual(actual, expected);
};

const contains = (list: unknown, item: unknown): boolean =>
  typeof list === "string"
    ? list.includes(String(item))
    : [...list as Iterable<unknown>].some((x) => equals(x, item));

/** What a function throws, as a list of none or one. */
function thrownBy(work: unknown): readonly unknown[] {
  try {
    (work as () => void)();
    return [];
  } catch (error) {
    return [error];
  }
}

/** Whether an error is of a class, has a message, or has one that fits a pattern. */
function isWanted(error: unknown, wanted: Expected): boolean {
  if (!(error instanceof Error)) return false;
  return wanted.every((want) => {
    if (typeof want === "string") return error.message === want;
    return want instanceof RegExp ? want.test(error.message) : error instanceof (want as ErrorConstructor);
  });
}

const callsOf = (spy: unknown): readonly Expected[] => (spy as Spy).calls.list;

const MATCHERS: { readonly [name: string]: Matcher } = {
  nothing: () => true,
  toBe: (actual, expected) => Object.is(actual, expected) || actual === expected,
  toBeCloseTo: (actual, expected, digits = 2) =>
    Math.abs(Number(actual) - Number(expected)) < 10 ** -Number(digits) / 2,
  toBeDefined: (actual) => actual !== undefined,
  toBeFalse: (actual) => actual === false,
  toBeFalsy: (actual) => !actual,
  toBeGreaterThan: (actual, bound) => Number(actual) > Number(bound),
  toBeGreaterThanOrEqual: (actual, bound) => Number(actual) >= Number(bound),
  toBeInstanceOf: (actual, type) => actual instanceof (type as ErrorConstructor),
  toBeLessThan: (actual, bound) => Number(actual) < Number(bound),
  toBeLessThanOrEqual: (actual, bound) => Number(actual) <= Number(bound),
  toBeNaN: (actual) => Number.isNaN(actual),
  toBeNull: (actual) => actual === null,
  toBeTrue: (actual) => actual === true,
  toBeTruthy: (actual) => Boolean(actual),
  toBeUndefined: (actual) => actual === undefined,
  toContain: contains,
  toEqual: equals,
  toHaveBeenCalled: (spy) => callsOf(spy).length > 0,
  toHaveBeenCalledTimes: (spy, count) => callsOf(spy).length === count,
  toHaveBeenCalledWith: (spy, ...args) => callsOf(spy).some((call) => isDeepStrictEqual(call, args)),
  toMatch: (actual, pattern) => new RegExp(pattern as RegExp).test(String(actual)),
  toThrow: (work) => thrownBy(work).length > 0,
  toThrowError: (work, ...wanted) => thrownBy(work).some((error) => isWanted(error, wanted)),
};

/** What `expect` gives: every matcher, and their opposites in `not`. */
export type Expectation = { readonly [matcher: string]: (...expected: Expected) => void };

function matchersOf(actual: unknown, isNot: boolean, fail: (message: string) => void): Expectation {
  return Object.fromEntries(
    Object.entries(MATCHERS).map(([name, holds]) => [name, (...expected: Expected) => {
      if (holds(actual, ...expected) !== isNot) return;
      const show = (value: unknown) =>
        inspect(value, { breakLength: Infinity, depth: 2, maxArrayLength: 20 });
      fail(`${show(actual)} ${isNot ? "not " : ""}${name} ${expected.map(show).join(", ")}`);
    }]),
  );
}

/** A function that notes its calls. */
interface Spy {
  (...args: unknown[]): unknown;
  readonly calls: {
    readonly list: Expected[];
    count(): number;
    reset(): void;
    mostRecent(): { readonly args: Expected } | undefined;
    allArgs(): readonly Expected[];
    first(): { readonly args: Expected } | undefined;
  };
  readonly and: {
    returnValue(value: unknown): Spy;
    callFake(work: (...args: unknown[]) => unknown): Spy;
    callThrough(): Spy;
  };
}

function makeSpy(original: (...args: unknown[]) => unknown = () => undefined): Spy {
  let work: (...args: unknown[]) => unknown = () => undefined;
  const list: Expected[] = [];
  const calls: Spy["calls"] = {
    list,
    count: () => list.length,
    reset: () => void list.splice(0),
    mostRecent: () => (list.length > 0 ? { args: list.at(-1)! } : undefined),
    allArgs: () => list,
    first: () => (list.length > 0 ? { args: list[0]! } : undefined),
  };
  const spy = function (this: unknown, ...args: unknown[]): unknown {
    list.push(args);
    return work.apply(this, args);
  };
  const use = (next: typeof work) => {
    work = next;
    return spy as unknown as Spy;
  };
  const and: Spy["and"] = {
    returnValue: (value) => use(() => value),
    callFake: use,
    callThrough: () => use(original),
  };
  return Object.assign(spy, { calls, and });
}

/** The assertions of one spec: what failed is kept even if the spec catches it. */
export class Assertions {
  readonly #failures: string[] = [];
  #sharedSpies = 0;
  readonly #undo: (() => void)[] = [];

  /** The functions that test files call as globals. */
  readonly globals = {
    expect: (actual?: unknown): Expectation => this.#expect(actual),
    expectAsync: (promise: Promise<unknown>): Expectation => this.#expectAsync(promise),
    fail: (message?: unknown): void => this.#fail(String(message ?? "fail() was called")),
    pending: (): void => {},
    spyOn: (object: object, name: string): Spy => this.#spyOn(object as { [name: string]: unknown }, name),
    jasmine: {
      DEFAULT_TIMEOUT_INTERVAL: 0,
      createSpy: (): Spy => makeSpy(),
      any: (type: unknown): Asymmetric => ({
        asymmetricMatch: (other) =>
          other instanceof (type as ErrorConstructor) ||
          typeof other === (type as { name: string }).name?.toLowerCase(),
      }),
      arrayWithExactContents: (items: readonly unknown[]): Asymmetric => ({
        asymmetricMatch: (other) =>
          (other as unknown[]).length === items.length && items.every((item) => contains(other, item)),
      }),
    },
  };

  /** Begins a spec: spies made before are those of its groups. */
  begin(): void {
    this.#sharedSpies = this.#undo.length;
  }

  /** Ends a spec: takes its spies away and gives what failed. */
  end(): readonly string[] {
    this.#removeSpies(this.#sharedSpies);
    return this.#failures.splice(0);
  }

  /** Takes the spies of groups away. */
  endFile(): void {
    this.#removeSpies(0);
  }

  #removeSpies(from: number): void {
    for (const undo of this.#undo.splice(from).reverse()) undo();
  }

  #fail(message: string): never {
    this.#failures.push(message);
    throw new Error(message);
  }

  #expect(actual: unknown): Expectation {
    const fail = (message: string) => this.#fail(message);
    return { ...matchersOf(actual, false, fail), not: matchersOf(actual, true, fail) as never };
  }

  #expectAsync(promise: Promise<unknown>): Expectation {
    const rejects = async (...wanted: Expected) => {
      const [outcome] = await Promise.allSettled([promise]);
      if (outcome.status === "rejected" && isWanted(outcome.reason, wanted)) return;
      this.#fail(`${outcome.status} toBeRejectedWithError ${wanted.map(String).join(", ")}`);
    };
    return { toBeRejected: () => rejects() as never, toBeRejectedWithError: rejects as never };
  }

  #spyOn(object: { [name: string]: unknown }, name: string): Spy {
    const original = object[name] as (...args: unknown[]) => unknown;
    const spy = makeSpy(original);
    object[name] = spy;
    this.#undo.push(() => void (object[name] = original));
    return spy;
  }
}
