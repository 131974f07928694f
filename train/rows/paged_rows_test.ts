import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import type { Table } from "../../core/types.ts";
import { FolderTableWriter } from "../../data/table_writer.ts";
import { column, readTable } from "../../data/tables.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { BatchBuffer } from "../batches.ts";
import { chunksOf, closeRows, columnsIn, openRows, orderOf, rowsIn, type TrainRows } from "./rows.ts";

const ROWS = 1003;
const KEY = { seed: 5, purpose: "shuffle/network", epoch: 2 };
const NAMES = ["x", "pair", "label"];

/** Each row holds its number, in three dtypes of which programs take two as they are. */
function whole(): Table {
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  return {
    x: column(Float32Array.from(rows), { unit: "1" }),
    pair: column(Float64Array.from(rows.flatMap((row) => [row, -row])), { unit: "1", shape: [ROWS, 2] }),
    label: column(Uint8Array.from(rows, (row) => row % 256), { unit: "1" }),
  };
}

/** The same on disk: blocks of 10 rows, windows of 160, the last block with 3. */
async function withPaged(work: (rows: TrainRows) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    const writer = new FolderTableWriter(directory, "train", { shuffleRows: 160 });
    await writer.append(whole());
    await writer.finish();
    const rows = openRows(await readTable(directory), NAMES, "train");
    try {
      await work(rows);
    } finally {
      await closeRows(rows);
    }
  });
}

/** Rows of an epoch from a position on, by what `x` holds; all columns must agree. */
async function rowsOfEpoch(
  rows: TrainRows,
  batchSize: number,
  from = 0,
  epoch = KEY.epoch,
): Promise<number[]> {
  const order = orderOf(rows, NAMES, { ...KEY, epoch });
  const batch = new BatchBuffer(columnsIn(rows), batchSize);
  const found: number[] = [];
  for (let at = from; at + batchSize <= rowsIn(rows); at += batchSize) {
    await order.fill(batch, at);
    const { x, pair, label } = batch.tensors;
    for (let i = 0; i < batchSize; i++) {
      const row = x!.data[i] as number;
      assert.deepEqual([pair!.data[2 * i], pair!.data[2 * i + 1], label!.data[i]], [row, -row, row % 256]);
      found.push(row);
    }
  }
  return found;
}

Deno.test("PagedRows.order() gives every row once, whatever the batch size", async () => {
  await withPaged(async (rows) => {
    assert.deepEqual([columnsIn(rows)["pair"]!.dtype, columnsIn(rows)["label"]!.dtype], ["float32", "int32"]);
    const order = await rowsOfEpoch(rows, 1);
    assert.deepEqual(order.toSorted((a, b) => a - b), Array.from({ length: ROWS }, (_, i) => i));
    for (const size of [2, 32, 159, 160, 161, 400, 1003]) {
      const found = await rowsOfEpoch(rows, size);
      assert.deepEqual(found, order.slice(0, found.length), `${size}`);
      assert.equal(found.length, ROWS - ROWS % size);
    }
  });
});

Deno.test("PagedRows.order() is a function of seed, purpose and epoch, and goes on anywhere", async () => {
  await withPaged(async (rows) => {
    const order = await rowsOfEpoch(rows, 7);
    for (const batches of [1, 22, 23, 100, 142]) {
      assert.deepEqual(await rowsOfEpoch(rows, 7, 7 * batches), order.slice(7 * batches), `${batches}`);
    }
    assert.notDeepEqual(await rowsOfEpoch(rows, 7, 0, 3), order);
  });
});

Deno.test("PagedRows.order() shuffles the rows of sixteen blocks together", async () => {
  await withPaged(async (rows) => {
    const order = await rowsOfEpoch(rows, 1);
    const blocks = randomFor({ ...KEY, purpose: "shuffle/network/blocks" }).permutation(101);
    const first = order.slice(0, 160);
    assert.deepEqual(
      [...new Set(first.map((row) => Math.floor(row / 10)))].sort((a, b) => a - b),
      [...blocks.subarray(0, 16)].sort((a, b) => a - b),
    );
    // neighbors in the table that stay neighbors: 159 of 160 without a shuffle, one in expectation with it
    const kept = first.filter((row, i) => i > 0 && row === first[i - 1]! + 1).length;
    assert.ok(kept < 8, `${kept}`);
  });
});

Deno.test("chunksOf() gives rows on disk in their order, in whole batches", async () => {
  await withPaged((rows) => {
    for (const size of [1, 10, 1003, 5000]) {
      let next = 0;
      for (const { from, columns } of chunksOf(rows, ["label", "x"], size)) {
        assert.equal(from, next);
        assert.deepEqual(Object.keys(columns), ["label", "x"]);
        const { data } = columns["x"]!;
        assert.ok(data.every((row, i) => row === from + i));
        next += columns["x"]!.rows;
      }
      assert.equal(next, ROWS);
    }
    return Promise.resolve();
  });
});

Deno.test("closeRows() waits for what is being read", async () => {
  await withPaged(async (rows) => {
    const order = orderOf(rows, NAMES, KEY);
    await order.fill(new BatchBuffer(columnsIn(rows), 4), 0);
    assert.ok(order.isReading); // the second window
  });
});

Deno.test("openRows() names a column that is missing", async () => {
  await withTempDir(async (directory) => {
    const writer = new FolderTableWriter(directory, "train", { shuffleRows: 16 });
    await writer.append(whole());
    await writer.finish();
    const table = await readTable(directory);
    assert.throws(() => openRows(table, ["y"], "train"), {
      message: 'Cannot make batches as the train table must have the column "y": it has x, pair, label',
    });
  });
});
