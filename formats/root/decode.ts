/**
 * Stored numbers to typed arrays, whole blocks at a time.
 *
 * @module
 */
import type { TypedArray } from "../../core/types.ts";
import { bytesOf, createArray } from "../arrays.ts";
import type { ElementFormat, Narrow } from "./elements.ts";

/** Turns big-endian numbers into an array of `format.dtype`; the bytes must be a multiple of `format.width`. O(bytes) time. */
export function decodeElements(bytes: Uint8Array, format: ElementFormat): TypedArray {
  return joinElements([bytes], format);
}

/** The same for several pieces, which become one array. */
export function joinElements(pieces: readonly Uint8Array[], format: ElementFormat): TypedArray {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  const target = createArray(format.dtype, bytes / format.width);
  let at = 0;
  for (const piece of pieces) {
    const end = at + piece.length / format.width;
    decodeInto(piece, format, target.subarray(at, end) as TypedArray);
    at = end;
  }
  return target;
}

function decodeInto(bytes: Uint8Array, format: ElementFormat, target: TypedArray): void {
  if (format.narrow !== undefined) {
    NARROW[format.narrow.kind](bytes, target as Float64Array<ArrayBuffer>, format.narrow as never);
    return;
  }
  const raw = bytesOf(target);
  raw.set(bytes);
  if (format.dtype === "bool") { for (let i = 0; i < raw.length; i++) raw[i] = raw[i] === 0 ? 0 : 1; }
  else SWAPS[format.width]!(raw);
}

const SWAPS: { readonly [width: number]: (bytes: Uint8Array) => void } = {
  1: () => {},
  2: ({ buffer, byteOffset, length }) => {
    const words = new Uint16Array(buffer, byteOffset, length / 2);
    for (let i = 0; i < words.length; i++) words[i] = words[i]! << 8 | words[i]! >> 8;
  },
  4: ({ buffer, byteOffset, length }) => {
    const words = new Int32Array(buffer, byteOffset, length / 4);
    for (let i = 0; i < words.length; i++) words[i] = swapWord(words[i]!);
  },
  8: ({ buffer, byteOffset, length }) => {
    const words = new Int32Array(buffer, byteOffset, length / 4);
    for (let i = 0; i < words.length; i += 2) {
      const high = words[i]!;
      words[i] = swapWord(words[i + 1]!);
      words[i + 1] = swapWord(high);
    }
  },
};

function swapWord(word: number): number {
  return word << 24 | (word & 0xff00) << 8 | word >> 8 & 0xff00 | word >>> 24;
}

type Widen<N extends Narrow> = (bytes: Uint8Array, target: Float32Array | Float64Array, narrow: N) => void;

const NARROW: { readonly [K in Narrow["kind"]]: Widen<Extract<Narrow, { readonly kind: K }>> } = {
  float: (bytes, target) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < target.length; i++) target[i] = view.getFloat32(4 * i);
  },
  range: (bytes, target, { min, factor }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < target.length; i++) target[i] = view.getUint32(4 * i) / factor + min;
  },
  // A float has 23 bits of mantissa; the first bit above the kept ones is the sign.
  cut: (bytes, target, { bits }) => {
    const words = new Int32Array(1);
    const floats = new Float32Array(words.buffer);
    const [mask, shift, sign] = [2 ** (bits + 1) - 1, 23 - bits, 2 ** (bits + 1)];
    for (let i = 0, at = 0; i < target.length; i++, at += 3) {
      const mantissa = bytes[at + 1]! << 8 | bytes[at + 2]!;
      words[0] = bytes[at]! << 23 | (mantissa & mask) << shift;
      target[i] = (sign & mantissa) !== 0 ? -floats[0]! : floats[0]!;
    }
  },
};

/**
 * Pieces of bytes one after the other.
 *
 * @param starts Where each piece begins.
 * @param lengths Their lengths in bytes.
 * @param total Their sum.
 */
export function gather(
  bytes: Uint8Array,
  starts: ArrayLike<number>,
  lengths: ArrayLike<number>,
  total: number,
): Uint8Array {
  const target = new Uint8Array(total);
  let to = 0;
  for (let i = 0; i < starts.length; i++) {
    const [from, length] = [starts[i]!, lengths[i]!];
    // Calling the engine's copy costs more than moving a few bytes.
    if (length > 64) target.set(bytes.subarray(from, from + length), to);
    else for (let k = 0; k < length; k++) target[to + k] = bytes[from + k]!;
    to += length;
  }
  return target;
}
