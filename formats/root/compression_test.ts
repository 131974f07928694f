import assert from "node:assert/strict";
import { deflateRawSync, deflateSync, zstdCompressSync } from "node:zlib";
import { decompress } from "./compression.ts";
import { inflateLz4 } from "./lz4.ts";
import { xxhash64 } from "./xxhash64.ts";

const DATA = new TextEncoder().encode("the same words, the same words, the same words again");

/** A block with its header. */
function block(tag: string, data: Uint8Array, size = DATA.length): Uint8Array<ArrayBuffer> {
  const three = (value: number) => [value & 255, value >> 8 & 255, value >> 16 & 255];
  return Uint8Array.of(
    ...new TextEncoder().encode(tag),
    8,
    ...three(data.length),
    ...three(size),
    ...data,
  );
}

/** An LZ4 block of literals alone, with its checksum. */
function lz4(data: Uint8Array): Uint8Array {
  const stored = Uint8Array.of(0xf0, data.length - 15, ...data);
  const hash = xxhash64(stored).match(/../g)!.map((pair) => Number.parseInt(pair, 16));
  return Uint8Array.of(...hash, ...stored);
}

Deno.test("decompress() inflates each algorithm, and several blocks", async () => {
  const both = Uint8Array.of(...block("ZL", deflateSync(DATA)), ...block("L4", lz4(DATA)));
  assert.deepEqual(await decompress(both, 2 * DATA.length, 0), Uint8Array.of(...DATA, ...DATA));
  assert.deepEqual(await decompress(block("CS", deflateRawSync(DATA)), DATA.length, 0), DATA);
  assert.deepEqual(await decompress(block("ZS", zstdCompressSync(DATA)), DATA.length, 0), DATA);
  assert.deepEqual(await decompress(new Uint8Array(), 0, 0), new Uint8Array());
});

Deno.test("decompress() says which block is damaged", async () => {
  const zlib = block("ZL", deflateSync(DATA));
  const rejects = (record: Uint8Array<ArrayBuffer>, size: number, message: string) =>
    assert.rejects(decompress(record, size, 100), { name: "SyntaxError", message });
  await rejects(
    zlib.with(zlib.length - 1, 7),
    DATA.length,
    "the zlib block at byte 109 must follow its format: found damaged data",
  );
  await rejects(
    block("L4", lz4(DATA).with(12, 1)),
    DATA.length,
    `the LZ4 block at byte 109 must have the checksum ${xxhash64(lz4(DATA).subarray(8))}: found ${
      xxhash64(lz4(DATA).with(12, 1).subarray(8))
    }`,
  );
  await rejects(zlib, 60, "the compressed record at byte 100 must hold 60 bytes: found 52");
  await rejects(
    zlib.slice(0, 20),
    DATA.length,
    "the compressed block at byte 100 must be whole: found 11 of 33 bytes",
  );
  await rejects(
    zlib.slice(0, 5),
    DATA.length,
    "the compressed block at byte 100 must be whole: found 5 bytes of its header",
  );
  await rejects(
    block("??", DATA),
    DATA.length,
    'the compressed block at byte 100 must begin with one of ZL, CS, XZ, L4, ZS: found "??"',
  );
  await rejects(
    block("XZ", DATA),
    DATA.length,
    "the XZ block at byte 109 must follow the XZ format: found a wrong stream",
  );
  await rejects(
    block("ZS", DATA),
    DATA.length,
    "the Zstandard block at byte 109 must follow its format: found damaged data",
  );
});

Deno.test("decompress() takes no memory for what a block cannot hold", async () => {
  const record = block("ZL", deflateSync(DATA), 0xffffff);
  await assert.rejects(decompress(record, 0xffffff, 0), {
    message: "the compressed block at byte 0 must be whole: found 16777215 bytes claimed of 33",
  });
  // A stream that is longer than its header says.
  const bomb = block("ZL", deflateSync(new Uint8Array(1 << 20)), 900);
  await assert.rejects(decompress(bomb, 900, 0), /must follow its format: found damaged data$/);
});

Deno.test("inflateLz4() repeats what overlaps, and rejects what leads outside", () => {
  const inflate = (bytes: readonly number[], size: number) => {
    const target = new Uint8Array(size);
    inflateLz4(Uint8Array.from(bytes), target);
    return [...target];
  };
  // Two literals, then 7 bytes from 2 back, then one literal.
  assert.deepEqual(inflate([0x23, 1, 2, 2, 0, 0x10, 9], 10), [1, 2, 1, 2, 1, 2, 1, 2, 1, 9]);
  // Lengths above 15 go on in further bytes: 4 + 15 + 255 + 1.
  assert.deepEqual(inflate([0x1f, 5, 1, 0, 255, 1], 276), Array(276).fill(5));
  assert.throws(() => inflate([0x23, 1, 2, 3, 0], 9), { name: "SyntaxError" }); // Before the beginning.
  assert.throws(() => inflate([0x23, 1, 2, 0, 0], 9), { name: "SyntaxError" }); // No distance.
  assert.throws(() => inflate([0x23, 1, 2, 2, 0], 8), { name: "SyntaxError" }); // Behind the end.
  assert.throws(() => inflate([0xf0, 255, 255], 8), { name: "SyntaxError" }); // No end of a length.
  assert.throws(() => inflate([0x20, 1, 2], 3), { message: "must give 3 bytes: found 2" });
});
