/**
 * Seeded damage to files, for the tests of the readers. A reader survives when each damaged file either parses or
 * throws one of our documented errors, in bounded time.
 *
 * @module
 */
import assert from "node:assert/strict";
import { DataError, UnsupportedError } from "../core/errors.ts";

/** Uniform integers in [0, bound); mulberry32, which is enough to scatter damage and has no state to share. */
export function seededIntegers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * bound);
  };
}

type Damage = (bytes: Uint8Array<ArrayBuffer>, integer: (bound: number) => number) => Uint8Array<ArrayBuffer>;

const NASTY_TEXT = [
  "-1",
  "99999999999999999999",
  "4294967296",
  "1e9",
  "'",
  "(",
  ")",
  "{",
  "}",
  ",",
  "True",
  "null",
];

/** Where damage goes: mostly near the beginning or the end, where formats keep their headers. */
function position(length: number, integer: (bound: number) => number): number {
  const near = Math.min(length, 256);
  const where = integer(4);
  return where === 0 ? integer(length) : where === 1 ? length - 1 - integer(near) : integer(near);
}

function splice(
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  remove: number,
  insert: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const tail = bytes.subarray(Math.min(bytes.length, at + remove));
  const result = new Uint8Array(at + insert.length + tail.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(tail, at + insert.length);
  return result;
}

const DAMAGES: readonly Damage[] = [
  function flipBit(bytes, integer) {
    bytes[position(bytes.length, integer)]! ^= 1 << integer(8);
    return bytes;
  },
  function setByte(bytes, integer) {
    bytes[position(bytes.length, integer)] = [0, 1, 0x7f, 0x80, 0xff, integer(256)][integer(6)]!;
    return bytes;
  },
  function setWord(bytes, integer) {
    const at = position(bytes.length, integer);
    bytes.fill([0, 0x7f, 0xff][integer(3)]!, at, at + [2, 4, 8][integer(3)]!);
    return bytes;
  },
  function changeDigit(bytes, integer) {
    const digits = [...bytes.subarray(0, 4096).keys()].filter((i) => bytes[i]! >= 0x30 && bytes[i]! <= 0x39);
    if (digits.length > 0) bytes[digits[integer(digits.length)]!] = 0x30 + integer(10);
    return bytes;
  },
  function insertText(bytes, integer) {
    const text = new TextEncoder().encode(NASTY_TEXT[integer(NASTY_TEXT.length)]);
    return splice(bytes, position(bytes.length, integer), integer(2) * text.length, text);
  },
  function truncate(bytes, integer) {
    return bytes.slice(0, integer(bytes.length));
  },
  function remove(bytes, integer) {
    return splice(bytes, position(bytes.length, integer), 1 + integer(16), new Uint8Array());
  },
  function repeat(bytes, integer) {
    const at = position(bytes.length, integer);
    return splice(bytes, at, 0, bytes.slice(at, at + 1 + integer(64)));
  },
];

/** Options of {@linkcode mutations}. */
export interface MutationOptions {
  /** How many. */
  readonly count: number;
  /** Equal seeds give equal mutations. @default 1 */
  readonly seed?: number;
  /** A clock in milliseconds; without it times are not measured. @default none */
  readonly now?: () => number;
}

/**
 * Damaged copies of a file: one to three of bits flipped, bytes and words overwritten with extremes, digits of a text
 * header changed, hostile text inserted, pieces removed or repeated, the end cut off.
 */
export function* mutations(
  bytes: Uint8Array,
  options: MutationOptions,
): Generator<Uint8Array<ArrayBuffer>> {
  const integer = seededIntegers(options.seed ?? 1);
  for (let i = 0; i < options.count; i++) {
    let damaged = new Uint8Array(bytes);
    for (let n = 1 + integer(3); n > 0 && damaged.length > 0; n--) {
      damaged = DAMAGES[integer(DAMAGES.length)]!(damaged, integer);
    }
    yield damaged;
  }
}

/** What became of the mutations: how many parsed, how many were refused, and the slowest one. */
export interface SurvivalReport {
  readonly parsed: number;
  readonly refused: number;
  readonly slowestMs: number;
}

/**
 * Feeds mutations to a parser.
 *
 * @param parse Parses one; may check what it returns.
 * @throws {AssertionError} If it throws anything but a one-line error of ours of a documented class, or takes over a minute, which on any machine is a hang.
 */
export async function survives(
  name: string,
  bytes: Uint8Array,
  options: MutationOptions,
  parse: (damaged: Uint8Array<ArrayBuffer>) => unknown,
): Promise<SurvivalReport> {
  let [parsed, refused, slowestMs, number] = [0, 0, 0, 0];
  const now = options.now ?? (() => 0);
  for (const damaged of mutations(bytes, options)) {
    const start = now();
    try {
      await parse(damaged);
      parsed++;
    } catch (error) {
      refused++;
      checkError(`mutation ${number} of ${name}, seed ${options.seed ?? 1}`, error);
    }
    slowestMs = Math.max(slowestMs, now() - start);
    number++;
  }
  assert.ok(slowestMs < 60_000, `${name}: the slowest mutation took ${slowestMs.toFixed(0)} ms`);
  return { parsed, refused, slowestMs };
}

function checkError(where: string, error: unknown): void {
  const isOurs = error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError ||
    error instanceof UnsupportedError || error instanceof DataError;
  const hasForm = isOurs && /^Cannot [^\n]*[^.\n]$/.test(error.message);
  assert.ok(hasForm, `${where}: ${error instanceof Error ? error.stack : String(error)}`);
}
