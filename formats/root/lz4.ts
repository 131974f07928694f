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

/** Fills the whole target from a block. @throws {SyntaxError} If the block is damaged. */
export function inflateLz4(block: Uint8Array, target: Uint8Array): void {
  let [from, to] = [0, 0];
  while (from < block.length) {
    const token = block[from++]!;
    let literals = token >> 4;
    if (literals === 15) [literals, from] = extend(block, literals, from);
    if (literals > block.length - from || literals > target.length - to) throw broken(from);
    copy(block, from, target, to, literals);
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
    // Calling the engine's copy costs more than moving a few bytes; it must not be called where they overlap.
    if (length > 64 && distance >= length) target.copyWithin(to, to - distance, to - distance + length);
    else for (let i = to, end = to + length; i < end; i++) target[i] = target[i - distance]!;
    to += length;
  }
  if (to !== target.length) throw damage(`must give ${target.length} bytes`, to);
}

/** Calling the engine's copy costs more than moving a few bytes. */
function copy(source: Uint8Array, from: number, target: Uint8Array, to: number, count: number): void {
  if (count > 128) target.set(source.subarray(from, from + count), to);
  else for (let i = 0; i < count; i++) target[to + i] = source[from + i]!;
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
