/**
 * Counter-based random numbers: Philox4x32-10, keyed by (seed, purpose, epoch, step).
 * (Implementation and test vectors: see docs in the functions.)
 *
 * @module
 */

/** What a stream of random numbers is for. Equal keys give equal numbers; position needs no saving. */
export interface RandomKey {
  readonly seed: number;
  /** A stable text such as "shuffle" or "simulate/noise". */
  readonly purpose: string;
  readonly epoch?: number;
  readonly step?: number;
}

/** A stream of random numbers; see {@linkcode randomFor}. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Uniform integer in [0, bound); bound in 1..2^32. Unbiased. */
  integer(bound: number): number;
  /** Gaussian with the given mean and standard deviation. */
  normal(mean?: number, sigma?: number): number;
  /** Poisson with the given mean (>= 0). */
  poisson(mean: number): number;
  /** Exponential with the given mean. */
  exponential(mean?: number): number;
  /** A random order of 0..count-1. */
  permutation(count: number): Uint32Array<ArrayBuffer>;
  /** Fills with uniforms in [0, 1) as float32-exact values (24 bits); fast path. */
  fillUniform(target: Float32Array): void;
  /** Fills with standard normals; fast path. */
  fillNormal(target: Float32Array): void;
  /** The next raw 32-bit word. */
  word(): number;
}

/** The stream for a key. */
export declare function randomFor(key: RandomKey): Random;
