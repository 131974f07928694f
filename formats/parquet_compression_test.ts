import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { UnsupportedError } from "../core/errors.ts";
import { compressors } from "./parquet_compression.ts";

const DATA = new TextEncoder().encode("abcabcabcabcabcabcabc, and so on");
const codecs = compressors(() => {});

Deno.test("compressors() gives the page, an empty one too", () => {
  const pages = { GZIP: gzipSync, ZSTD: zstdCompressSync };
  for (const [codec, compress] of Object.entries(pages)) {
    for (const data of [DATA, new Uint8Array(0)]) {
      assert.deepEqual(new Uint8Array(codecs[codec]!(compress(data), data.length)), data, codec);
    }
  }
  const literals = Uint8Array.of(0xf0, DATA.length - 15, ...DATA); // a block without matches
  assert.deepEqual(codecs["LZ4_RAW"]!(literals, DATA.length), DATA);
  assert.deepEqual(codecs["LZ4_RAW"]!(Uint8Array.of(0), 0), new Uint8Array(0)); // as pyarrow writes a page of nulls
});

Deno.test("compressors() does not take more memory than a page has, whatever it claims or holds", () => {
  const bomb = gzipSync(new Uint8Array(2 ** 24));
  assert.throws(() => codecs["GZIP"]!(bomb, 100), RangeError);
  for (const codec of ["GZIP", "ZSTD", "LZ4_RAW", "SNAPPY"]) {
    assert.throws(
      () => codecs[codec]!(bomb, 2 ** 31 - 1),
      /may have at most 268435456 bytes: found 2147483647/,
    );
  }
});

Deno.test("compressors() refuses what is deprecated, and Brotli, by name", () => {
  for (const codec of ["LZ4", "LZO", "BROTLI"]) {
    assert.throws(
      () => codecs[codec]!(DATA, 1),
      (error) => error instanceof UnsupportedError && /found (LZ|Brotli)/.test(error.message),
    );
  }
});
