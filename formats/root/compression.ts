/**
 * The compressed records of ROOT: blocks one after the other, each of at most 16 MiB.
 *
 * | byte | meaning |
 * |---|---|
 * | 0, 1 | algorithm: `ZL` zlib, `CS` raw deflate of old files, `XZ`, `L4` LZ4, `ZS` Zstandard |
 * | 2 | method, not used here |
 * | 3 to 5 | length after this header, little-endian |
 * | 6 to 8 | length when inflated, little-endian |
 * | 9 to 16 | of `L4` only: XXH64 of what follows, big-endian |
 *
 * Checksums are compared where the format has them: Adler-32 of zlib, XXH64 of LZ4, CRC-32 of XZ. Source:
 * `R__unzip` of ROOT, <https://github.com/root-project/root/blob/v6-40-00/core/zip/src/RZip.cxx>.
 *
 * @module
 */
import { inflateRawSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { broken, damage } from "./cursor.ts";
import { inflateLz4 } from "./lz4.ts";
import { xxhash64 } from "./xxhash64.ts";
import { inflateXz } from "./xz.ts";

const HEADER_BYTES = 9;
const HASH_BYTES = 8;

type Bytes = Uint8Array<ArrayBuffer>;

/** How one algorithm fills a target, and by what factor it can make data longer at most. */
interface Algorithm {
  readonly name: string;
  readonly inflate: (block: Bytes, target: Bytes) => void | Promise<void>;
  readonly maxRatio: number;
}

type NodeInflate = (block: Bytes, options: { maxOutputLength: number; chunkSize: number }) => Uint8Array;

function byNode(inflate: NodeInflate): Algorithm["inflate"] {
  return (block, target) => {
    const room = Math.max(64, target.length);
    let data: Uint8Array;
    try {
      data = inflate(block, { maxOutputLength: room, chunkSize: room });
    } catch {
      throw damage("must follow its format", "damaged data");
    }
    if (data.length !== target.length) throw damage(`must give ${target.length} bytes`, data.length);
    target.set(data);
  };
}

function inflateChecked(block: Bytes, target: Bytes): void {
  if (block.length < HASH_BYTES) throw damage(`must have ${HASH_BYTES} bytes of checksum`, block.length);
  const [stored, data] = [block.subarray(0, HASH_BYTES), block.subarray(HASH_BYTES)];
  const expected = Array.from(stored, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const actual = xxhash64(data);
  if (actual !== expected) throw damage(`must have the checksum ${expected}`, actual);
  inflateLz4(data, target);
}

// Ratios: deflate codes 258 bytes in two bits; an LZ4 byte of length stands for 255. The others have no such bound.
const ALGORITHMS: { readonly [tag: string]: Algorithm } = {
  ZL: { name: "zlib", inflate: byNode(inflateSync), maxRatio: 1032 },
  CS: { name: "deflate", inflate: byNode(inflateRawSync), maxRatio: 1032 },
  XZ: { name: "XZ", inflate: inflateXz, maxRatio: Infinity },
  L4: { name: "LZ4", inflate: inflateChecked, maxRatio: 255 },
  ZS: { name: "Zstandard", inflate: byNode(zstdDecompressSync), maxRatio: Infinity },
};

interface Block {
  readonly algorithm: Algorithm;
  /** Where its data begin and end within the record. */
  readonly start: number;
  readonly end: number;
  /** Length when inflated. */
  readonly size: number;
}

/**
 * Inflates a record.
 *
 * @param size Length when inflated, as its key says.
 * @param offset Where `record` begins in the file; for messages.
 * @throws {SyntaxError} If a block is damaged or of another algorithm, or their lengths do not add up; nothing is inflated in the second case.
 */
export async function decompress(record: Bytes, size: number, offset: number): Promise<Bytes> {
  const blocks = listBlocks(record, size, offset);
  const target = new Uint8Array(size);
  let filled = 0;
  for (const { algorithm, start, end, size } of blocks) {
    try {
      await algorithm.inflate(record.subarray(start, end), target.subarray(filled, filled + size));
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw broken(`the ${algorithm.name} block at byte ${offset + start}`, cause);
    }
    filled += size;
  }
  return target;
}

function listBlocks(record: Bytes, size: number, offset: number): readonly Block[] {
  const blocks: Block[] = [];
  let [at, total] = [0, 0];
  while (at < record.length) {
    const block = readBlock(record, at, offset);
    blocks.push(block);
    total += block.size;
    at = block.end;
  }
  if (total === size) return blocks;
  throw damage(`the compressed record at byte ${offset} must hold ${size} bytes`, total);
}

function readBlock(record: Bytes, at: number, offset: number): Block {
  const length = (index: number) => record[index]! | record[index + 1]! << 8 | record[index + 2]! << 16;
  const [start, left] = [at + HEADER_BYTES, record.length - at - HEADER_BYTES];
  const rule = `the compressed block at byte ${offset + at} must be whole`;
  if (left < 0) throw damage(rule, `${record.length - at} bytes of its header`);
  const tag = String.fromCharCode(record[at]!, record[at + 1]!);
  if (!Object.hasOwn(ALGORITHMS, tag)) {
    const known = Object.keys(ALGORITHMS).join(", ");
    throw damage(
      `the compressed block at byte ${offset + at} must begin with one of ${known}`,
      `"${tag.replace(/[^\x20-\x7e]/g, "?")}"`,
    );
  }
  const [algorithm, bytes, size] = [ALGORITHMS[tag]!, length(at + 3), length(at + 6)];
  if (bytes > left) throw damage(rule, `${left} of ${bytes} bytes`);
  if (size > bytes * algorithm.maxRatio) throw damage(rule, `${size} bytes claimed of ${bytes}`);
  return { algorithm, start, end: start + bytes, size };
}
