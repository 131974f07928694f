/**
 * Test cases in the manner of Jasmine, as tfjs's test files write them: `describe`, `it` and what runs around them.
 *
 * @module
 */

/** Something that runs before or after specs, or a spec itself; with a parameter it calls back when it is done. */
export type Work = (done?: Done) => unknown;

/** How work with a parameter ends. */
export interface Done {
  (): void;
  fail(message?: unknown): void;
}

/** One test case. */
export interface Spec {
  /** The titles of its groups and its own, joined by " > "; a repeated one has its number. */
  readonly name: string;
  readonly work: Work;
  readonly groups: readonly Group[];
}

type Hook = "beforeAll" | "beforeEach" | "afterEach" | "afterAll";

/** What `describe` makes. */
interface Group {
  readonly title: string;
  readonly hooks: { readonly [H in Hook]: Work[] };
}

/** How a spec ended. */
export type Outcome = { readonly passed: true } | { readonly passed: false; readonly error: unknown };

/** Milliseconds that a spec may take, the time in which it blocks not counted. */
const LIMIT_MS = 60_000;

/** Specs of the files that are loaded while it is installed. */
export class SpecCollector {
  readonly #groups: Group[] = [];
  readonly #specs: Spec[] = [];
  readonly #names = new Map<string, number>();

  /** The functions that test files call as globals. */
  readonly globals = {
    describe: (title: string, body: () => void): void => this.group(title, {}, body),
    xdescribe: (_title: string, _body: () => void): void => {},
    it: (title: string, work: Work): void => this.#add(title, work),
    xit: (_title: string, _work: Work): void => {},
    beforeAll: (work: Work): void => this.#hook("beforeAll", work),
    beforeEach: (work: Work): void => this.#hook("beforeEach", work),
    afterEach: (work: Work): void => this.#hook("afterEach", work),
    afterAll: (work: Work): void => this.#hook("afterAll", work),
  };

  /** The specs so far, which are then forgotten. */
  take(): readonly Spec[] {
    this.#names.clear();
    return this.#specs.splice(0);
  }

  /** A group with hooks that run before those of its body and, after a spec, after them. */
  group(title: string, hooks: { readonly [H in Hook]?: Work }, body: () => void): void {
    const list = (hook: Hook): Work[] => (hooks[hook] ? [hooks[hook]] : []);
    this.#groups.push({
      title,
      hooks: {
        beforeAll: list("beforeAll"),
        beforeEach: list("beforeEach"),
        afterEach: list("afterEach"),
        afterAll: list("afterAll"),
      },
    });
    try {
      body();
    } finally {
      this.#groups.pop();
    }
  }

  #hook(hook: Hook, work: Work): void {
    const hooks = this.#groups.at(-1)?.hooks[hook];
    if (!hooks) throw new TypeError(`Cannot call ${hook} as it must stand in a group: found none`);
    hooks.push(work);
  }

  #add(title: string, work: Work): void {
    const path = [...this.#groups.map((group) => group.title), title].join(" > ");
    const count = (this.#names.get(path) ?? 0) + 1;
    this.#names.set(path, count);
    this.#specs.push({
      name: count === 1 ? path : `${path} (${count})`,
      work,
      groups: [...this.#groups],
    });
  }
}

/** What is told of each spec. */
export interface SpecEvents {
  /** Hooks of whole groups have run, those of the spec have not. */
  begin(spec: Spec): void;
  end(spec: Spec, outcome: Outcome): void;
}

/** Runs specs one after the other; the hooks of a group run when its first spec begins and when its last has ended. */
export async function runSpecs(specs: readonly Spec[], events: SpecEvents): Promise<void> {
  const left = new Map<Group, number>();
  for (const { groups } of specs) for (const group of groups) left.set(group, (left.get(group) ?? 0) + 1);
  const begun = new Set<Group>();
  for (const spec of specs) {
    const outcome = await settle(async () => {
      for (const group of spec.groups) {
        if (begun.has(group)) continue;
        begun.add(group);
        for (const work of group.hooks.beforeAll) await perform(work);
      }
      events.begin(spec);
      await runOne(spec);
    });
    events.end(spec, outcome);
    for (const group of spec.groups.toReversed()) {
      left.set(group, left.get(group)! - 1);
      if (left.get(group) === 0) {
        await settle(async () => {
          for (const work of group.hooks.afterAll) await perform(work);
        });
      }
    }
  }
}

/** A spec between its hooks; those after it run whatever happened before. */
async function runOne({ groups, work }: Spec): Promise<void> {
  const errors: unknown[] = [];
  const attempt = async (step: Work) => {
    const outcome = await settle(() => perform(step));
    if (!outcome.passed) errors.push(outcome.error);
  };
  for (const group of groups) for (const step of group.hooks.beforeEach) await attempt(step);
  if (errors.length === 0) await attempt(work);
  for (const group of groups.toReversed()) {
    for (const step of group.hooks.afterEach.toReversed()) await attempt(step);
  }
  if (errors.length > 0) throw errors[0];
}

async function settle(work: () => Promise<void>): Promise<Outcome> {
  try {
    await work();
    return { passed: true };
  } catch (error) {
    return { passed: false, error };
  }
}

/** Calls work and waits for its promise or its call back. */
async function perform(work: Work): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No end after ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    await Promise.race([work.length > 0 ? withCallback(work) : work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function withCallback(work: Work): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = Object.assign(() => resolve(), {
      fail: (message?: unknown) =>
        reject(message instanceof Error ? message : new Error(String(message ?? "failed"))),
    });
    work(done);
  });
}
