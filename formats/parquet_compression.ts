/**
 * How pages of Parquet files are compressed: gzip and Zstandard by the platform, LZ4 by our own reader, Snappy by hyparquet.
 *
 * Brotli is refused: that of Deno (2.9.6) prints to standard output on damaged pages, which belongs to JSON and to the protocol
 * of a sandbox; that of hyparquet-compressors 1.1.2 fills what a page lacks with zeros.
 *
 * hyparquet-compressors 1.1.2 is not used: its LZ4 refuses pages without values, of which the block is one byte, 0.
 *
 * @see <https://github.com/apache/parquet-format/blob/apache-parquet-format-2.11.0/Compression.md>
 * @module
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { UnsupportedError } from "../core/errors.ts";
import { MOST_PAGE_BYTES } from "./parquet_pages.ts";
import { inflateLz4 } from "./root/lz4.ts";

/** Gives the page of a compressed one, whose length its header claims. */
export type Decompress = (input: Uint8Array, length: number) => Uint8Array;

type NodeInflate = (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

function byNode(inflate: NodeInflate): Decompress {
  return (input, length) => {
    // The package looks at the length; node must not take more memory than was claimed.
    return inflate(input, { maxOutputLength: Math.max(64, length) });
  };
}

function filling(inflate: (input: Uint8Array, page: Uint8Array) => void): Decompress {
  return (input, length) => {
    const page = new Uint8Array(length);
    inflate(input, page);
    return page;
  };
}

function refused(codec: string): Decompress {
  return () => {
    throw new UnsupportedError(
      `Cannot read a page as its compression must be one of ${READ.join(", ")}: found ${codec}`,
      codec,
    );
  };
}

/** Each compression that is read, beside none and Snappy, by its name in the format. */
const CODECS: { readonly [codec: string]: Decompress } = {
  GZIP: byNode(gunzipSync),
  ZSTD: byNode(zstdDecompressSync),
  LZ4_RAW: filling(inflateLz4),
  // deprecated: what lies in such pages differs by writer
  LZ4: refused("LZ4 with the framing of Hadoop"),
  LZO: refused("LZO"),
  BROTLI: refused("Brotli"),
};

const READ = ["none", "Snappy", "gzip", "Zstandard", "LZ4 (raw)"];

/**
 * The compressions, for pages that are not larger than pages are.
 *
 * @param snappy Fills a page from a compressed one.
 */
export function compressors(
  snappy: (input: Uint8Array, page: Uint8Array) => void,
): { [codec: string]: Decompress } {
  const codecs = { ...CODECS, SNAPPY: filling(snappy) };
  return Object.fromEntries(
    Object.entries(codecs).map(([codec, decompress]) => [codec, (input: Uint8Array, length: number) => {
      if (length >= 0 && length <= MOST_PAGE_BYTES) return decompress(input, length);
      throw new RangeError(
        `Cannot read a page as it may have at most ${MOST_PAGE_BYTES} bytes: found ${length}`,
      );
    }]),
  );
}
