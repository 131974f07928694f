import assert from "node:assert/strict";
import { DataError } from "../core/errors.ts";
import { type Defect, Defects, type DefectsOptions } from "./defects.ts";

const FINITE = "energies must be finite";
const POSITIVE = "labels must be 0 or 1";

const silent = { warn: () => {} };

/** A list with some defects in it. */
function listOf(defects: readonly Defect[], options?: DefectsOptions): Defects {
  const list = new Defects(options);
  list.checked("dir/a.npz", 300);
  for (const defect of defects) list.add(defect);
  return list;
}

const nanAt = (row: number, file = "dir/a.npz"): Defect => ({
  file,
  rule: FINITE,
  found: NaN,
  where: `event ${row}, voxel 3`,
  row,
});

Deno.test("Defects without a defect settles to nothing", () => {
  const list = listOf([]);
  assert.deepEqual(list.settle(false, silent), []);
  assert.deepEqual([list.count, list.isFatal, list.leftOut()], [0, false, 0]);
});

Deno.test("Defects.error() of one defect is the error that a reader would have thrown", () => {
  const { message, file } = listOf([nanAt(17)]).error();
  assert.equal(
    message,
    `Cannot use "dir/a.npz" as ${FINITE}: found NaN in event 17, voxel 3; --skip-bad goes on without the bad events`,
  );
  assert.equal(file, "dir/a.npz");
});

Deno.test("Defects.error() lists every rule with its count and first places in one line", () => {
  const rows = Array.from({ length: 14 }, (_, i) => nanAt(10 * i));
  const list = listOf(
    [...rows, { file: "dir/a.npz", rule: POSITIVE, found: 7, where: "event 20", row: 20 }],
    {
      places: 2,
    },
  );
  assert.equal(
    list.error().message,
    'Cannot use "dir/a.npz" as its data must be sound: found 15 defects in 14 of 300 events: ' +
      `(1) ${FINITE}, 14 times: NaN in event 0, voxel 3 | NaN in event 10, voxel 3 ... and 12 more; ` +
      `(2) ${POSITIVE}: 7 in event 20; --skip-bad goes on without the bad events`,
  );
});

Deno.test("Defects.error() names every file, and errors as they are", () => {
  const list = listOf([nanAt(1)], { rowName: "sections" });
  list.addError(new DataError('Cannot read "b.npz" as it must be whole: it ends early', "b.npz"), "b.npz");
  assert.ok(list.isFatal);
  assert.equal(
    list.error().message,
    "Cannot use 2 files as their data must be sound: found 2 defects in 1 of 300 sections: " +
      `(1) "dir/a.npz", ${FINITE}: NaN in event 1, voxel 3; ` +
      '(2) Cannot read "b.npz" as it must be whole: it ends early',
  );
  assert.throws(() => list.settle(true, silent), DataError);
});

Deno.test("Defects.addError() alone leaves the error as it is, and throws on what is not about data", () => {
  const error = new DataError("Cannot read", "a");
  const list = new Defects();
  list.addError(error, "a");
  assert.equal(list.error(), error);
  assert.throws(() => list.addError(new TypeError("bug"), "a"), TypeError);
});

Deno.test("Defects.settle() warns and gives a table where bad rows are skipped", () => {
  const warnings: string[][] = [];
  const twice = { ...nanAt(17), where: "event 17, voxel 4" };
  const list = listOf([nanAt(3), nanAt(17), twice]);
  list.add({ file: "dir/a.npz", rule: POSITIVE, found: 7, where: "event 3", row: 3 });
  list.checked("sound.npz", 10);
  const [table] = list.settle(true, { warn: (...warning) => warnings.push(warning) });
  assert.deepEqual(warnings, [
    ["skipped-events", "left out 2 of 300 events of a.npz, as they have defects (--skip-bad)"],
  ]);
  assert.deepEqual(table!.rows, [
    [
      "a.npz",
      FINITE,
      3,
      2,
      "NaN in event 3, voxel 3 | NaN in event 17, voxel 3 | NaN in event 17, voxel 4",
    ],
    ["a.npz", POSITIVE, 1, 1, "7 in event 3"],
  ]);
  assert.equal(table!.note, "left out 2 of 300 events of a.npz. Means and counts are of the others.");
});

Deno.test("Defects.settle() refuses a file of which no row is left", () => {
  const list = new Defects();
  list.checked("a.npz", 2);
  list.checked("b.npz", 5);
  for (const row of [0, 1]) list.add(nanAt(row, "a.npz"));
  assert.throws(() => list.settle(true, silent), /; none of the events of "a.npz" is sound$/);
});

Deno.test("Defects.isBad() and leftOut() know the rows of each file", () => {
  const list = listOf([nanAt(299), nanAt(5, "b.npz"), nanAt(5, "b.npz")]);
  assert.deepEqual([list.isBad("dir/a.npz", 299), list.isBad("dir/a.npz", 5), list.isBad("b.npz", 5)], [
    true,
    false,
    true,
  ]);
  assert.deepEqual([list.leftOut(), list.leftOut("b.npz"), list.leftOut("c.npz")], [2, 1, 0]);
});

Deno.test("Defects.merge() is the list of both, also through a clone", () => {
  const [one, other] = [listOf([nanAt(1)]), listOf([nanAt(2), nanAt(2, "b.npz")])];
  one.merge(structuredClone(other.state));
  assert.equal(one.error().message, listOf([nanAt(1), nanAt(2), nanAt(2, "b.npz")]).error().message);
  assert.equal(one.leftOut("dir/a.npz"), 2);
});

Deno.test("Defects stays small with a million defects of many rules", () => {
  const list = new Defects();
  for (let i = 0; i < 1e6; i++) {
    list.add({ file: "a", rule: `rule ${i % 50}`, found: NaN, where: `event ${i}`, row: i });
  }
  const { message } = list.error();
  assert.ok(message.length < 10_000, `${message.length}`);
  assert.match(message, /and 20 more rules; --skip-bad goes on without the bad events$/);
  assert.equal(list.table().rows.length, 30);
});
