/**
 * Fingerprints: what a training looked like, bit by bit, at a few steps. Two runs that agree in all of them took the
 * same path; where they part, the first differing line says when.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Tensors } from "../engine/runtimes/types.ts";

/** One line of `fingerprints.jsonl`. */
export interface Fingerprint {
  readonly model: string;
  /** Steps done in this model's training. */
  readonly step: number;
  readonly epoch: number;
  /** The bits of the float32 loss of this step, hexadecimal. */
  readonly loss: string;
  /** First 32 hexadecimal digits of the SHA-256 over all state tensors, sorted by name. */
  readonly parameters: string;
}

/** Fingerprints of one model's training, spread over it, beside those of each epoch's end. */
const SPREAD = 50;

/** Whether a fingerprint is taken after this step: spread over the training, and after 1, 2, 4, 8, ... steps. */
export function isFingerprinted(step: number, totalSteps: number): boolean {
  return Number.isInteger(Math.log2(step)) || step % Math.max(1, Math.floor(totalSteps / SPREAD)) === 0;
}

/** The bits of a number as float32. */
export function lossBits(loss: number): string {
  return new Uint32Array(Float32Array.of(loss).buffer)[0]!.toString(16).padStart(8, "0");
}

/** Hash of names, shapes and bytes of all tensors. */
export function hashState(state: Tensors): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(state).sort()) {
    const { dtype, shape, data } = state[name]!;
    hash.update(`${name}\0${dtype}[${shape.join(",")}]\0`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex").slice(0, 32);
}
