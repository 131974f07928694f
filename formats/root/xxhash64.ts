/**
 * XXH64 with seed 0, the checksum of LZ4 blocks: <https://github.com/Cyan4973/xxHash/blob/v0.8.3/doc/xxhash_spec.md>.
 *
 * V8 computes a `bigint` in machine words where every step is cut to 64 bits: that is twice as fast as pairs of 32-bit
 * halves. Each helper therefore cuts its result, and the loop over the bytes has no helper at all.
 *
 * @module
 */

const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME_3 = 0x165667b19e3779f9n;
const PRIME_4 = 0x85ebca77c2b2ae63n;
const PRIME_5 = 0x27d4eb2f165667c5n;

const STRIPE_BYTES = 32;

/** The hash as 16 hexadecimal digits, as ROOT stores it (big-endian). O(bytes) time. */
export function xxhash64(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = bytes.length >= STRIPE_BYTES;
  const begun = isLong ? mergeLanes(view) : PRIME_5;
  const hash = addTail(cut(begun + BigInt(bytes.length)), view, bytes.length - bytes.length % STRIPE_BYTES);
  return avalanche(hash).toString(16).padStart(16, "0");
}

function cut(word: bigint): bigint {
  return BigInt.asUintN(64, word);
}

function rotate(word: bigint, bits: bigint): bigint {
  return cut(word << bits) | (word >> (64n - bits));
}

/** Takes 8 bytes into a lane. */
function round(lane: bigint, taken: bigint): bigint {
  return cut(rotate(cut(lane + cut(taken * PRIME_2)), 31n) * PRIME_1);
}

/** `round` over every fourth 8 bytes from `start` on. */
function runLane(view: DataView, start: number, begun: bigint): bigint {
  const end = view.byteLength - view.byteLength % STRIPE_BYTES;
  let lane = begun;
  for (let at = start; at < end; at += STRIPE_BYTES) {
    lane = BigInt.asUintN(64, lane + BigInt.asUintN(64, view.getBigUint64(at, true) * PRIME_2));
    lane = BigInt.asUintN(64, BigInt.asUintN(64, lane << 31n) | (lane >> 33n));
    lane = BigInt.asUintN(64, lane * PRIME_1);
  }
  return lane;
}

function mergeLanes(view: DataView): bigint {
  const starts = [cut(PRIME_1 + PRIME_2), PRIME_2, 0n, cut(-PRIME_1)];
  const lanes = starts.map((start, i) => runLane(view, 8 * i, start));
  const sum = cut(lanes.reduce((sum, lane, i) => sum + rotate(lane, [1n, 7n, 12n, 18n][i]!), 0n));
  return lanes.reduce((hash, lane) => cut(cut((hash ^ round(0n, lane)) * PRIME_1) + PRIME_4), sum);
}

/** The bytes behind the last stripe. */
function addTail(begun: bigint, view: DataView, start: number): bigint {
  let [hash, at] = [begun, start];
  for (; at + 8 <= view.byteLength; at += 8) {
    const taken = round(0n, view.getBigUint64(at, true));
    hash = cut(rotate(hash ^ taken, 27n) * PRIME_1 + PRIME_4);
  }
  if (at + 4 <= view.byteLength) {
    const taken = cut(BigInt(view.getUint32(at, true)) * PRIME_1);
    hash = cut(rotate(hash ^ taken, 23n) * PRIME_2 + PRIME_3);
    at += 4;
  }
  for (; at < view.byteLength; at++) {
    hash = cut(rotate(hash ^ cut(BigInt(view.getUint8(at)) * PRIME_5), 11n) * PRIME_1);
  }
  return hash;
}

function avalanche(begun: bigint): bigint {
  let hash = cut((begun ^ (begun >> 33n)) * PRIME_2);
  hash = cut((hash ^ (hash >> 29n)) * PRIME_3);
  return hash ^ (hash >> 32n);
}
