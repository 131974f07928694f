import assert from "node:assert/strict";
import { fixedPieces, listPieces, type Pieces, vectorPieces } from "./pieces.ts";

function range(data: readonly number[], entries: number, offsets?: readonly number[]) {
  const basket = { entries, data: Uint8Array.from(data), offsets: offsets && Int32Array.from(offsets) };
  return { basket, from: 0, to: entries };
}

function show({ starts, lengths, total, levels }: Pieces) {
  return [[...starts.values], [...lengths.values], total, levels.map((level) => [...level.values])];
}

Deno.test("fixedPieces() takes whole entries at once, and parts of entries one by one", () => {
  const layout = { form: "fixed", stride: 3, offset: 1 } as const;
  assert.deepEqual(show(fixedPieces(range(Array(6), 2), { ...layout, offset: 0 }, 3)), [[0], [6], 6, []]);
  assert.deepEqual(show(fixedPieces(range(Array(6), 2), layout, 2)), [[1, 4], [2, 2], 4, []]);
  assert.throws(() => fixedPieces(range(Array(7), 2), layout, 2), {
    message: "2 entries of 3 bytes must fill the basket: found 7 bytes",
  });
});

Deno.test("listPieces() finds elements by offsets or by their counter", () => {
  assert.deepEqual(show(listPieces(range(Array(6), 3, [0, 2, 2, 6]), 0, 2, undefined)), [[0], [6], 6, [[
    1,
    0,
    2,
  ]]]);
  assert.deepEqual(show(listPieces(range(Array(6), 3), 0, 2, [1, -5, 2])), [[0], [6], 6, [[1, 0, 2]]]);
  // A byte before each list.
  assert.deepEqual(show(listPieces(range(Array(6), 2, [0, 5, 6]), 1, 2, undefined)), [[1], [4], 4, [[2, 0]]]);
  assert.deepEqual(show(listPieces(range([], 3), 0, 2, undefined)), [[0], [0], 0, [[0, 0, 0]]]);
  assert.throws(() => listPieces(range(Array(6), 3), 0, 2, [1, 1, 2]), {
    message: "the elements that the counter counts must fill the basket: found 6 of 8 bytes",
  });
  assert.throws(() => listPieces(range(Array(6), 3), 0, 2, undefined), {
    message: "entries of varying length must have offsets or a counter: found neither",
  });
  assert.throws(() => listPieces(range(Array(6), 2, [0, 3, 6]), 0, 2, undefined), {
    message: "elements of 2 bytes must fill each entry: found 3 bytes in entry 0 of the basket",
  });
});

Deno.test("vectorPieces() finds vectors, and vectors of vectors", () => {
  const one = [0x40, 0, 0, 8, 0, 9, 0, 0, 0, 2, 5, 6];
  const none = [0x40, 0, 0, 6, 0, 9, 0, 0, 0, 0];
  const wanted = [[10, 22], [2, 0], 2, [[2, 0]]];
  assert.deepEqual(show(vectorPieces(range([...one, ...none], 2), 1, 1)), wanted);
  assert.deepEqual(show(vectorPieces(range([...one, ...none], 2, [0, 12, 22]), 1, 1)), wanted);
  const nested = [0x40, 0, 0, 16, 0, 9, 0, 0, 0, 2, 0, 0, 0, 2, 5, 6, 0, 0, 0, 0];
  assert.deepEqual(show(vectorPieces(range(nested, 1), 2, 1)), [[14, 20], [2, 0], 2, [[2], [2, 0]]]);
  assert.throws(() => vectorPieces(range(one.with(9, 3), 1), 1, 1), {
    message: "the vectors must lie within the basket: found one of 3 elements that does not",
  });
  assert.throws(() => vectorPieces(range(one.with(9, 1), 1), 1, 1), {
    message: "the vectors must fill their 12 bytes: found others in entry 0 of the basket",
  });
  assert.throws(() => vectorPieces(range(one.with(0, 0), 1), 1, 1), {
    message: "a vector must begin with its length: found none in entry 0 of the basket",
  });
});
