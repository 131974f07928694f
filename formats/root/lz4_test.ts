import assert from "node:assert/strict";
import { seededIntegers } from "../fuzz_test_helpers.ts";
import { inflateLz4 } from "./lz4.ts";

/** Lengths above 14 are continued in further bytes. */
function more(length: number): number[] {
  return length < 15
    ? []
    : [...Array<number>(Math.floor((length - 15) / 255)).fill(255), (length - 15) % 255];
}

/** A block of random sequences, and what it stands for, made byte by byte. */
function randomBlock(integer: (bound: number) => number): { block: Uint8Array; whole: Uint8Array } {
  const [block, whole]: [number[], number[]] = [[], []];
  const lengths = [0, 1, 2, 3, 4, 5, 7, 14, 15, 16, 95, 96, 97, 98, 269, 270, 300];
  for (let n = 1 + integer(8); n > 0; n--) {
    const literals = (whole.length === 0 ? 1 : 0) + lengths[integer(lengths.length)]!;
    const length = lengths[integer(lengths.length)]!;
    const isLast = n === 1;
    block.push(Math.min(15, literals) << 4 | (isLast ? 0 : Math.min(15, length)), ...more(literals));
    for (let i = 0; i < literals; i++) {
      const byte = integer(256);
      block.push(byte);
      whole.push(byte);
    }
    if (isLast) break;
    const distance = 1 + integer(Math.min(whole.length, [3, 5, 120, 1000][integer(4)]!));
    block.push(distance & 255, distance >> 8, ...more(length));
    for (let i = 0; i < length + 4; i++) whole.push(whole.at(-distance)!);
  }
  return { block: Uint8Array.from(block), whole: Uint8Array.from(whole) };
}

Deno.test("inflateLz4() gives what its sequences stand for, byte by byte, and writes nowhere else", () => {
  const integer = seededIntegers(5);
  for (let trial = 0; trial < 2000; trial++) {
    const { block, whole } = randomBlock(integer);
    const room = new Uint8Array(whole.length + 16).fill(7);
    inflateLz4(block, room.subarray(8, 8 + whole.length));
    assert.deepEqual(room.subarray(8, 8 + whole.length), whole, `trial ${trial}`);
    assert.ok([...room.subarray(0, 8), ...room.subarray(-8)].every((byte) => byte === 7), `trial ${trial}`);
  }
});
