/**
 * LZ4 blocks: <https://github.com/lz4/lz4/blob/v1.10.0/doc/lz4_Block_format.md>.
 *
 * | part of a sequence | bytes |
 * |---|---|
 * | token: literals in the upper four bits, match length - 4 in the lower | 1 |
 * | more literals where the token says 15: bytes are added until one is below 255 | 0 or more |
 * | literals | as many |
 * | distance back, little-endian; missing in the last sequence | 2 |
 * | more match length, likewise | 0 or more |
 *
 * @module
 */
import { damage } from "./cursor.ts";

const MIN_MATCH = 4;
/** Bytes that are moved together: the most that a `DataView` moves unaligned without making an object. */
const STEP = 4;
/** Above this, calling the engine's copy costs less. */
const CALL_BYTES = 96;

/** Fills the whole target from a block. @throws {SyntaxError} If the block is damaged. */
export function inflateLz4(block: Uint8Array, target: Uint8Array): void {
  const source = new DataView(block.buffer, block.byteOffset, block.length);
  const view = new DataView(target.buffer, target.byteOffset, target.length);
  let [from, to] = [0, 0];
  while (from < block.length) {
    const token = block[from++]!;
    let literals = token >> 4;
    if (literals === 15) [literals, from] = extend(block, literals, from);
    if (literals > block.length - from || literals > target.length - to) throw broken(from);
    // The last step may write beyond the end, where later sequences write.
    if (literals > CALL_BYTES) target.set(block.subarray(from, from + literals), to);
    else if (from + literals + STEP <= block.length && to + literals + STEP <= target.length) {
      for (let i = 0; i < literals; i += STEP) view.setInt32(to + i, source.getInt32(from + i, true), true);
    } else for (let i = 0; i < literals; i++) target[to + i] = block[from + i]!;
    from += literals;
    to += literals;
    if (from === block.length) break; // The last sequence ends with its literals.
    const distance = block[from]! | block[from + 1]! << 8;
    from += 2;
    let length = token & 15;
    if (length === 15) [length, from] = extend(block, length, from);
    length += MIN_MATCH;
    if (distance === 0 || distance > to || from > block.length || length > target.length - to) {
      throw broken(from);
    }
    // The engine's copy is not for pieces that overlap: they repeat what was just written.
    if (length > CALL_BYTES && distance >= length) {
      target.copyWithin(to, to - distance, to - distance + length);
    } else if (distance >= STEP && to + length + STEP <= target.length) {
      const end = to + length;
      for (let i = to; i < end; i += STEP) view.setInt32(i, view.getInt32(i - distance, true), true);
    } else for (let i = to, end = to + length; i < end; i++) target[i] = target[i - distance]!;
    to += length;
  }
  if (to !== target.length) throw damage(`must give ${target.length} bytes`, to);
}

function extend(block: Uint8Array, start: number, at: number): [length: number, at: number] {
  let length = start;
  for (;;) {
    const byte = block[at++];
    if (byte === undefined) throw broken(at);
    length += byte;
    if (byte !== 255) return [length, at];
  }
}

function broken(at: number): SyntaxError {
  return damage("must follow the LZ4 format", `a wrong sequence before its byte ${at}`);
}
