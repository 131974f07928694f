import assert from "node:assert/strict";
import type { Tensor } from "../engine/runtimes/types.ts";
import { column } from "../data/tables.ts";
import { checkColumns, checkFiniteState, firstNonFinite, nonFiniteError } from "./nan_guard.ts";

const floats = (...data: number[]): Tensor => ({
  dtype: "float32",
  shape: [data.length],
  data: Float32Array.from(data),
});
const ints: Tensor = { dtype: "int32", shape: [1], data: Int32Array.of(7) };
const at = { model: "network", output: "loss", value: NaN, counters: { step: 12, epoch: 2 } };

Deno.test("firstNonFinite() names the first tensor with NaN or infinity", () => {
  assert.equal(firstNonFinite({ a: floats(1), n: ints, b: floats(0, NaN), c: floats(NaN) }), "b");
  assert.equal(firstNonFinite({ a: floats(1), b: floats(-Infinity) }), "b");
  assert.equal(firstNonFinite({ a: floats(1, 2), n: ints }), undefined);
});

Deno.test("nonFiniteError() names model, output, step, epoch and the tensor", () => {
  const error = nonFiniteError(at, { "dense/kernel": floats(NaN) });
  assert.equal(error.name, "ConfigError");
  assert.equal(
    error.message,
    'Cannot train "network" as "loss" must be finite: NaN at step 12 (epoch 3), ' +
      'the first tensor that is not finite is "dense/kernel"; try a lower --learning-rate',
  );
});

Deno.test("nonFiniteError() says when the parameters are still finite", () => {
  assert.match(
    nonFiniteError({ ...at, value: Infinity }, { w: floats(1) }).message,
    /: Infinity at step 12 \(epoch 3\), all parameters are still finite;/,
  );
});

Deno.test("checkFiniteState() rejects NaN and names the tensor, the step and its epoch", () => {
  const place = (stepInEpoch: number) => ({
    model: "network",
    counters: { step: 12, epoch: 2, stepInEpoch },
  });
  const state = { n: ints, a: floats(1), b: floats(0, NaN) };
  const message = (epoch: number) =>
    'Cannot train "network" as its state must not hold NaN: the first tensor with NaN is "b" after step 12 ' +
    `(epoch ${epoch}), although the loss is finite; try a lower --learning-rate`;
  assert.throws(() => checkFiniteState(place(3), state), { name: "ConfigError", message: message(3) });
  assert.throws(() => checkFiniteState(place(0), state), { name: "ConfigError", message: message(2) });
  checkFiniteState(place(0), { n: ints, a: floats(1, Infinity) });
});

Deno.test("checkColumns() rejects NaN and infinities, and names split, column, five rows and their number", () => {
  const rows = Float32Array.from({ length: 20 }, (_, i) => i % 3 === 1 ? NaN : i);
  rows[7] = -Infinity;
  const table = {
    x: column(rows, { unit: "1", shape: [10, 2] }),
    y: column(Float64Array.of(1, NaN, ...new Array(8).fill(0)), { unit: "1" }),
    unread: column(new Float32Array(10).fill(NaN), { unit: "1" }),
  };
  assert.throws(() => checkColumns("line", "train", table, ["x", "y", "x"]), {
    name: "DataError",
    message: 'Cannot train "line" as the columns that it reads must hold finite numbers that fit 32 bits: ' +
      'column "x" of split "train" has others in 7 of 10 rows ' +
      "(NaN in row 0, NaN in row 2, -Infinity in row 3, NaN in row 5, NaN in row 6, ...; counted from 0); " +
      'column "y" of split "train" has others in 1 of 10 rows (NaN in row 1; counted from 0)',
  });
});

Deno.test("checkColumns() rejects what float32 and int32 cannot hold", () => {
  const table = {
    wide: column(Float64Array.of(1, 1e300), { unit: "1" }),
    id: column(BigInt64Array.of(2n ** 31n - 1n, -(2n ** 31n)), { unit: "1" }),
    far: column(BigUint64Array.of(2n ** 40n, 0n), { unit: "1" }),
    flags: column(Uint32Array.of(1, 2 ** 32 - 1), { unit: "1" }),
  };
  const rest = "has others in 1 of 2 rows";
  assert.throws(() => checkColumns("line", "validation", table, Object.keys(table)), {
    message: 'Cannot train "line" as the columns that it reads must hold finite numbers that fit 32 bits: ' +
      `column "wide" of split "validation" ${rest} (1e+300 in row 1; counted from 0); ` +
      `column "far" of split "validation" ${rest} (1099511627776 in row 0; counted from 0); ` +
      `column "flags" of split "validation" ${rest} (4294967295 in row 1; counted from 0)`,
  });
  checkColumns("line", "train", table, ["id", "absent"]);
  checkColumns("line", "train", { none: column(new Float32Array(0), { unit: "1" }) }, ["none"]);
});
