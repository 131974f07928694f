/**
 * The task `validate:tfjs`: tfjs-core's own tests, from a checkout that is given, with every kernel computed by tracing
 * and an engine. It ends with exit code 1 if anything differs from the kept table `expected.json`.
 *
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Checkout } from "./checkout.ts";
import { registerEagerBackend } from "./eager_backend.ts";
import { SpecCollector } from "./specs.ts";
import { moduleTable, runSuite, type Verdict } from "./suite.ts";
import { SyncEngine } from "./sync_engine.ts";
import { compareWithTable, fullName, printTable, type Table, updateTable } from "./table.ts";

const TABLE = new URL("./expected.json", import.meta.url);

const USAGE = "Cannot run tfjs's tests as a checkout of tfjs must be given: found no --tfjs DIR; " +
  "git clone --depth 1 --branch tfjs-v4.22.0 https://github.com/tensorflow/tfjs, then " +
  "deno task validate:tfjs --tfjs tfjs [--engine native,wasm,reference] [--only REGEX] [--update]";

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tfjs: { type: "string" },
      engine: { type: "string", default: "native,wasm,reference" },
      only: { type: "string" },
      update: { type: "boolean", default: false },
    },
  });
  if (values.tfjs === undefined) {
    console.error(USAGE);
    return 2;
  }
  const only = values.only === undefined ? undefined : new RegExp(values.only);
  const folder = await Deno.makeTempDir({ prefix: "beamline-tfjs-" });
  let problems = 0;
  try {
    const run = await suiteRunner(values.tfjs, folder);
    for (const engine of values.engine.split(",")) {
      const { version, verdicts } = await run(engine, only);
      problems += await report(engine, version, verdicts, only === undefined, values.update);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return problems === 0 ? 0 : 1;
}

type Run = (engine: string, only?: RegExp) => Promise<{ version: string; verdicts: readonly Verdict[] }>;

/** A function that runs the suite on an engine; the engines take turns behind one backend. */
async function suiteRunner(directory: string, folder: string): Promise<Run> {
  let engine: SyncEngine | undefined;
  const backend = await registerEagerBackend((program, inputs) => engine!.run(program, inputs));
  return async (name, only) => {
    const collector = new SpecCollector();
    // Copies of their own: a module that was loaded before would not register its specs again.
    const copies = join(folder, name);
    await Deno.mkdir(copies);
    const checkout = await Checkout.open(directory, copies, moduleTable(collector));
    engine = new SyncEngine(name);
    try {
      const verdicts = await runSuite(checkout, collector, backend, { only, progress: printFile });
      return { version: checkout.version, verdicts };
    } finally {
      engine.dispose();
    }
  };
}

function count(verdicts: readonly Verdict[], status: Verdict["status"]): number {
  return verdicts.filter((verdict) => verdict.status === status).length;
}

function printFile(file: string, verdicts: readonly Verdict[]): void {
  const [refused, differed] = [count(verdicts, "refused"), count(verdicts, "differed")];
  const rest = [refused && `${refused} refused`, differed && `${differed} differed`].filter(Boolean);
  console.log([`${file}: ${count(verdicts, "passed")} passed`, ...rest].join(", "));
}

/** Prints what a run found, and what of it the table does not have; gives the number of the latter. */
async function report(
  engine: string,
  version: string,
  verdicts: readonly Verdict[],
  isWhole: boolean,
  isUpdate: boolean,
): Promise<number> {
  let table = JSON.parse(await Deno.readTextFile(TABLE)) as Table;
  if (isUpdate && isWhole) {
    table = updateTable(table, engine, version, verdicts);
    await Deno.writeTextFile(TABLE, printTable(table));
  }
  const problems = compareWithTable(table, engine, verdicts, isWhole);
  if (version !== table.version) {
    problems.unshift(`the checkout has tfjs-core ${version}, the table is of ${table.version}`);
  }
  for (const verdict of isWhole ? [] : verdicts) {
    if (verdict.status !== "passed") {
      console.log(`${verdict.status}: ${fullName(verdict)}: ${verdict.detail}`);
    }
  }
  for (const problem of problems) console.error(problem);
  const counts = (["passed", "refused", "differed"] as const).map((status) =>
    `${count(verdicts, status)} ${status}`
  );
  console.log(
    `${engine}: ${verdicts.length} specs, ${counts.join(", ")}; ${problems.length} not as expected`,
  );
  return problems.length;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
