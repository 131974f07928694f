/** The runner of tfjs's tests, on a made-up checkout with a test that passes, one that is refused and one that differs. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { withTempDir } from "../support/plugins.ts";
import { Checkout } from "./checkout.ts";
import { registerEagerBackend } from "./eager_backend.ts";
import { SpecCollector } from "./specs.ts";
import { moduleTable, runSuite, type Verdict } from "./suite.ts";
import { SyncEngine } from "./sync_engine.ts";
import { compareWithTable, type Table, UNEXPLAINED, updateTable } from "./table.ts";

const MADE_UP = `
import * as tf from '../index';
import {ALL_ENVS, BROWSER_ENVS, describeWithFlags} from '../jasmine_util';
import {Tensor} from '../tensor';
import {expectArraysClose} from '../test_util';

describeWithFlags('made up', ALL_ENVS, () => {
  it('passes', async () => {
    const [dx] = tf.grads((x: Tensor) => x.square().sum())([tf.tensor1d([1, -2])]);
    expect(dx.shape).toEqual([2]);
    expectArraysClose(await dx.data(), [2, -4]);
  });
  it('is refused', () => {
    expect(() => tf.unique(tf.tensor1d([1, 1]))).toThrowError();
  });
  it('differs', () => {
    expectArraysClose(tf.scalar(0).log().dataSync(), [Infinity]);
  });
});
describeWithFlags('only in a browser', BROWSER_ENVS, () => {
  it('is left out', () => fail());
});
`;

const FILES = {
  "tfjs-core/package.json": `{"version": "4.22.0"}`,
  "tfjs-core/src/jasmine_util.ts": "",
  "tfjs-core/src/ops/made_up_test.ts": MADE_UP,
};

async function writeFiles(folder: string): Promise<void> {
  for (const [path, text] of Object.entries(FILES)) {
    await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
    await Deno.writeTextFile(join(folder, path), text);
  }
}

/** Verdicts on the made-up checkout, on the engine "reference". */
async function madeUpVerdicts(folder: string): Promise<Verdict[]> {
  const [checkout, copies] = [join(folder, "checkout"), join(folder, "copies")];
  await writeFiles(checkout);
  await Deno.mkdir(copies);
  const engine = new SyncEngine("reference");
  try {
    const backend = await registerEagerBackend((program, inputs) => engine.run(program, inputs));
    const collector = new SpecCollector();
    const verdicts = await runSuite(
      await Checkout.open(checkout, copies, moduleTable(collector)),
      collector,
      backend,
    );
    assert.deepEqual([...backend.calls.keys()], ["Square", "Sum", "Reshape", "Multiply", "Log"]);
    return verdicts;
  } finally {
    engine.dispose();
  }
}

const FILE = "ops/made_up_test.ts";

Deno.test("runSuite() says which specs pass, are refused and differ", async () => {
  await withTempDir(async (folder) => {
    const problem = "Arrays differ: actual[0] = -Infinity, expected[0] = Infinity.";
    assert.deepEqual(await madeUpVerdicts(folder), [
      { file: FILE, name: "made up > passes", status: "passed", detail: "" },
      { file: FILE, name: "made up > is refused", status: "refused", detail: "Unique" },
      { file: FILE, name: "made up > differs", status: "differed", detail: problem },
    ]);
  });
});

Deno.test("Checkout.open() rejects a folder without tfjs-core", async () => {
  await withTempDir(async (folder) => {
    await assert.rejects(Checkout.open(folder, folder, () => ({})), {
      name: "NotFoundError",
      message: /as a tfjs checkout as tfjs-core\/src\/jasmine_util\.ts must exist: found none/,
    });
  });
});

const EMPTY: Table = { version: "", reasons: {}, refusals: {}, differences: {}, files: {} };

const verdict = (name: string, status: Verdict["status"], detail = ""): Verdict => ({
  file: FILE,
  name,
  status,
  detail,
});
const VERDICTS = [
  verdict("a", "passed"),
  verdict("b", "refused", "Unique"),
  verdict("c", "differed", "1, not 2"),
];

/** The table of {@linkcode VERDICTS}, with its difference explained. */
function explained(): Table {
  const table = updateTable(EMPTY, "native", "4.22.0", VERDICTS);
  assert.deepEqual(table.files, { [FILE]: { passed: 1, refused: { Unique: 1 } } });
  assert.deepEqual(table.differences, { [`${FILE} > c`]: { reason: UNEXPLAINED, engines: ["native"] } });
  const differences = { [`${FILE} > c`]: { reason: "rounding", engines: ["native"] } };
  return { ...table, differences, reasons: { rounding: "a reason" } };
}

Deno.test("compareWithTable() accepts what the table has", () => {
  assert.deepEqual(compareWithTable(explained(), "native", VERDICTS, true), []);
  const onAnother = [...VERDICTS.slice(0, 2), verdict("c", "passed")];
  assert.deepEqual(compareWithTable(explained(), "wasm", onAnother, true), []);
});

Deno.test("compareWithTable() names what is new, stale, without a reason or gone", () => {
  const compare = (...verdicts: Verdict[]) => compareWithTable(explained(), "native", verdicts, true);
  const [a, b, c] = VERDICTS as [Verdict, Verdict, Verdict];
  assert.deepEqual(compare(verdict("a", "differed", "3, not 4"), b, c), [
    `not in the table: ${FILE} > a: 3, not 4`,
    `${FILE}: 0 specs passed, the table says 1`,
  ]);
  assert.deepEqual(compare(a, b, verdict("c", "passed")), [
    `stale, passed now: ${FILE} > c`,
    `${FILE}: 2 specs passed, the table says 1`,
  ]);
  assert.deepEqual(compare(a, c), [`${FILE}: 0 specs refused for "Unique", the table says 1`]);
  assert.deepEqual(compare(a, b), [`stale, not there any more: ${FILE} > c`]);
  const unexplained = updateTable(EMPTY, "native", "4.22.0", VERDICTS);
  assert.deepEqual(compareWithTable(unexplained, "native", VERDICTS, true), [
    `without a reason: ${FILE} > c`,
  ]);
});
