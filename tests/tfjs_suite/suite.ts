/**
 * Runs the specs of test files on an engine and says of each whether it passed, was refused or differed.
 *
 * @module
 */
import { createRequire } from "node:module";
import * as tf from "../../engine/tf.ts";
import type { Checkout, ModuleTable } from "./checkout.ts";
import { EAGER_BACKEND, type EagerBackend, type Incident } from "./eager_backend.ts";
import { Assertions } from "./expect.ts";
import { runSpecs, SpecCollector } from "./specs.ts";

/** What became of one spec. */
export interface Verdict {
  /** File below `src`. */
  readonly file: string;
  readonly name: string;
  readonly status: "passed" | "refused" | "differed";
  /** The kernel or type that was refused, or what was found instead of what was expected; empty if passed. */
  readonly detail: string;
}

/** What the test files ask of the place where they run. */
interface Constraints {
  readonly flags?: { readonly [flag: string]: unknown };
  readonly predicate?: (environment: typeof ENVIRONMENT) => boolean;
}

const ENVIRONMENT = { name: "beamline", backendName: EAGER_BACKEND, isDataSync: true };
const NEVER: Constraints = { predicate: () => false };

/** What test files import from `jasmine_util`. */
function jasmineUtil(collector: SpecCollector): { readonly [name: string]: unknown } {
  const engine = tf.engine();
  const scoped = {
    beforeAll: async () => {
      engine.reset();
      tf.env().set("IS_TEST", true);
      await tf.setBackend(EAGER_BACKEND);
    },
    beforeEach: () => engine.startScope(),
    afterEach: () => {
      engine.endScope();
      engine.disposeVariables();
    },
  };
  return {
    ALL_ENVS: {},
    SYNC_BACKEND_ENVS: {},
    NODE_ENVS: { predicate: () => tf.env().get("IS_NODE") },
    BROWSER_ENVS: NEVER,
    CHROME_ENVS: NEVER,
    HAS_WORKER: NEVER,
    HAS_NODE_WORKER: NEVER,
    TestKernelBackend: class extends tf.KernelBackend {
      override dispose(): void {}
    },
    describeWithFlags(
      title: string,
      constraints: Constraints,
      body: (environment: typeof ENVIRONMENT) => void,
    ): void {
      if (constraints.predicate && !constraints.predicate(ENVIRONMENT)) return;
      collector.group(title, scoped, () => body(ENVIRONMENT));
    },
  };
}

/** Modules whose names lie in a name space of the package. */
const NAME_SPACES: readonly string[] = [
  "util",
  "backend_util",
  "slice_util",
  "broadcast_util",
  "tensor_util",
  "serialization",
  "kernel_impls",
  "test_util",
  "device_util",
];

/** Names that tfjs-core's sources have and the package does not, as they are on the CPU. */
const NOT_EXPORTED: { readonly [name: string]: unknown } = {
  EPSILON_FLOAT32: 1e-7,
  EPSILON_FLOAT16: 1e-4,
  getGlobalTensorClass: () => tf.Tensor,
  isWebGLData: () => false,
  isWebGPUData: () => false,
};

/** The package with which tfjs-core seeds its random numbers; it is not among ours. */
function seedrandom(): { readonly [name: string]: unknown } {
  return createRequire(import.meta.resolve("@tensorflow/tfjs-core"))("seedrandom");
}

type Close = typeof tf.test_util.expectArraysClose;

/** tfjs takes all numbers that are not finite for equal; here NaN is not infinity, and infinities have a sign. */
function strictly(
  { expectArraysClose }: { readonly expectArraysClose: Close },
): { expectArraysClose: Close } {
  return {
    expectArraysClose(actual, expected, epsilon) {
      expectArraysClose(actual, expected, epsilon);
      const wanted = [expected].flat(Infinity).flatMap((
        part,
      ) => [...(Object(part).length ? part as [] : [part])]);
      const found = [actual].flat(Infinity).flatMap((
        part,
      ) => [...(Object(part).length ? part as [] : [part])]);
      wanted.forEach((want, i) => {
        if (Number.isFinite(want) || Object.is(want, found[i])) return;
        throw new Error(`Arrays differ: actual[${i}] = ${found[i]}, expected[${i}] = ${want}.`);
      });
    },
  };
}

/** What each module of tfjs-core's sources is here: the same names of the package that Beamline runs on. */
export function moduleTable(collector: SpecCollector): ModuleTable {
  const own = jasmineUtil(collector);
  const spaces = tf as unknown as { readonly [name: string]: { readonly [name: string]: unknown } };
  return (module) => {
    if (module === "jasmine_util") return own;
    if (module === "seedrandom") return seedrandom();
    if (module.endsWith("test_util")) return { ...tf.test_util, ...strictly(tf.test_util) };
    if (module === "engine") return { ...tf, ENGINE: tf.engine() };
    const name = module.split("/").at(-1)!;
    if (name === "index" || name === "ops") return spaces as never;
    // The name spaces first: `util.sum` and the operation `sum` are not the same.
    const merged = Object.assign(
      { ...NOT_EXPORTED },
      ...NAME_SPACES.toReversed().map((space) => spaces[space]),
      tf,
    );
    return name in spaces && NAME_SPACES.includes(name) ? { ...merged, ...spaces[name] } : merged;
  };
}

/** Options of {@linkcode runSuite}. */
export interface SuiteOptions {
  /** Only specs whose file and name fit. @default all */
  readonly only?: RegExp | undefined;
  /** Called after each file. */
  readonly progress?: (file: string, verdicts: readonly Verdict[]) => void;
}

/** Runs all test files of a checkout, in order. */
export async function runSuite(
  checkout: Checkout,
  collector: SpecCollector,
  backend: EagerBackend,
  { only, progress }: SuiteOptions = {},
): Promise<Verdict[]> {
  const assertions = new Assertions();
  const remove = installGlobals({ ...collector.globals, ...assertions.globals });
  // Some specs expect a promise to fail and do not wait for it.
  const ignore = (event: Event) => event.preventDefault();
  addEventListener("unhandledrejection", ignore);
  const verdicts: Verdict[] = [];
  try {
    await checkout.prepare(checkout.files);
    for (const file of checkout.files) {
      const found = await runFile(checkout, file, { collector, backend, assertions, only });
      verdicts.push(...found);
      if (found.length > 0) progress?.(file, found);
    }
  } finally {
    remove();
    removeEventListener("unhandledrejection", ignore);
  }
  return verdicts;
}

interface Parts {
  readonly collector: SpecCollector;
  readonly backend: EagerBackend;
  readonly assertions: Assertions;
  readonly only: RegExp | undefined;
}

async function runFile(
  checkout: Checkout,
  file: string,
  { collector, backend, assertions, only }: Parts,
): Promise<Verdict[]> {
  try {
    await checkout.load(file);
  } catch (error) {
    collector.take();
    return [{ file, name: "(loading)", status: "differed", detail: lineOf(error) }];
  }
  const verdicts: Verdict[] = [];
  const specs = collector.take().filter(({ name }) => !only || only.test(`${file} > ${name}`));
  await runSpecs(specs, {
    begin: () => assertions.begin(),
    end({ name }, outcome) {
      const [failure] = assertions.end();
      const problem = outcome.passed ? failure : lineOf(outcome.error);
      verdicts.push({ file, name, ...judge(backend.takeIncidents(), problem) });
    },
  });
  assertions.endFile();
  return verdicts;
}

/** A spec that meets a kernel without rule says nothing, even if it expects an error and so passes. */
function judge(
  incidents: readonly Incident[],
  problem: string | undefined,
): Pick<Verdict, "status" | "detail"> {
  const reason = (kind: Incident["kind"]) => incidents.find((incident) => incident.kind === kind)?.reason;
  const unsupported = reason("unsupported");
  if (unsupported !== undefined) return { status: "refused", detail: unsupported };
  if (problem === undefined) return { status: "passed", detail: "" };
  const [failed, refused] = [reason("engine failed"), reason("refused")];
  if (failed !== undefined) return { status: "differed", detail: failed };
  return refused === undefined
    ? { status: "differed", detail: problem }
    : { status: "refused", detail: refused };
}

function lineOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, 300);
}

/** Puts functions where test files look for them; gives what takes them away again. */
function installGlobals(globals: { readonly [name: string]: unknown }): () => void {
  const before = Object.keys(globals).map((name) => [name, Reflect.get(globalThis, name)] as const);
  Object.assign(globalThis, globals);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(globalThis, name);
      else Reflect.set(globalThis, name, value);
    }
  };
}
