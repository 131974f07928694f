/**
 * Counter-based random numbers: Philox4x32-10, keyed by (seed, purpose, epoch, step).
 *
 * A stream is a pure function of its key, so that nothing has to be saved to resume, and the order in which streams
 * are used does not matter. Layout of the 64-bit Philox key and of its 128-bit counter, in 32-bit words:
 *
 * | word      | holds                                                                      |
 * | --------- | -------------------------------------------------------------------------- |
 * | key 0     | seed, bits 0..31                                                           |
 * | key 1     | seed, bits 32..52, in the lower 21 bits; purpose hash, 11 bits, in the upper |
 * | counter 0 | block index within the stream; a block is four words                       |
 * | counter 1 | step                                                                       |
 * | counter 2 | epoch                                                                      |
 * | counter 3 | purpose hash, 32 bits                                                      |
 *
 * The purpose hash is the first 43 bits of the SHA-256 of the purpose text in UTF-8. Streams of different seeds, epochs
 * or steps therefore never overlap; two purposes share a stream with probability 2^-43. A stream ends, with an error,
 * after 2^34 words.
 *
 * Numbers are the same on every platform as far as `Math.log` and `Math.exp` are: `uniform`, `integer`, `permutation`,
 * `word` and `fillUniform` use neither.
 *
 * @see Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", doi:10.1145/2063384.2063405
 * @module
 */
import { sha256Hex } from "./hash.ts";

/** What a stream of random numbers is for. Equal keys give equal numbers; position needs no saving. */
export interface RandomKey {
  /** An integer from 0 to 2^53 - 1. */
  readonly seed: number;
  /** A stable text such as "shuffle" or "simulate/noise". */
  readonly purpose: string;
  /** An integer from 0 to 2^32 - 1. @default 0 */
  readonly epoch?: number;
  /** An integer from 0 to 2^32 - 1. @default 0 */
  readonly step?: number;
}

/** A stream of random numbers; see {@linkcode randomFor}. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. Takes two words. */
  uniform(): number;
  /** Uniform integer in [0, bound); bound in 1..2^32. Unbiased. */
  integer(bound: number): number;
  /**
   * Gaussian with the given mean (default 0) and standard deviation (default 1), by inversion of the distribution
   * function; within 8.3 standard deviations. Uses `Math.log` in the outer 15 %. Takes two words.
   */
  normal(mean?: number, sigma?: number): number;
  /** Poisson with the given mean (0..1e15). Uses `Math.exp` below a mean of 10, else `Math.log`. */
  poisson(mean: number): number;
  /** Exponential with the given mean (default 1). Uses `Math.log`. Takes two words. */
  exponential(mean?: number): number;
  /** A random order of 0..count-1. */
  permutation(count: number): Uint32Array<ArrayBuffer>;
  /** Fills with uniforms in [0, 1) as float32-exact values (24 bits); fast path. Takes one word per element. */
  fillUniform(target: Float32Array): void;
  /** Fills with standard normals, within 6.4 standard deviations; fast path. Takes one word per element. */
  fillNormal(target: Float32Array): void;
  /** The next raw 32-bit word, an integer in [0, 2^32). */
  word(): number;
}

/**
 * The stream for a key. Equal keys give equal streams.
 *
 * @throws {TypeError} If the purpose is not a non-empty text.
 * @throws {RangeError} If the seed, epoch or step is not an integer in its range.
 *
 * @example A shuffle that is the same in every run with this seed
 * ```ts
 * import { randomFor } from "./random.ts";
 * const order = randomFor({ seed: 7, purpose: "shuffle", epoch: 3 }).permutation(100);
 * const again = randomFor({ seed: 7, purpose: "shuffle", epoch: 3 }).permutation(100);
 * if (order.join() !== again.join()) throw new Error("unreachable");
 * ```
 */
export function randomFor({ seed, purpose, epoch = 0, step = 0 }: RandomKey): Random {
  if (typeof purpose !== "string" || purpose === "") {
    throw new TypeError(
      `Cannot make random numbers as a purpose is a non-empty text: found ${JSON.stringify(purpose)}`,
    );
  }
  requireInteger(`make random numbers for "${purpose}"`, "seed", seed, 0, Number.MAX_SAFE_INTEGER);
  requireInteger(`make random numbers for "${purpose}"`, "epoch", epoch, 0, MAX_WORD);
  requireInteger(`make random numbers for "${purpose}"`, "step", step, 0, MAX_WORD);
  const hash = sha256Hex(purpose);
  const hash32 = Number.parseInt(hash.slice(0, 8), 16);
  const hash11 = Number.parseInt(hash.slice(8, 11), 16) >>> 1;
  const key0 = seed >>> 0;
  const key1 = (Math.floor(seed / TWO_32) | (hash11 << 21)) >>> 0;
  return new PhiloxStream(key0, key1, step, epoch, hash32);
}

/**
 * One block of Philox4x32-10: a keyed bijection of 128-bit counters.
 *
 * @param counter Four 32-bit words, least significant first.
 * @param key Two 32-bit words.
 * @returns Four 32-bit words.
 */
export function philox4x32(counter: readonly number[], key: readonly number[]): Uint32Array<ArrayBuffer> {
  const [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = counter;
  const [k0 = 0, k1 = 0] = key;
  const out = new Uint32Array(4);
  fillBlocks(out, c0, c1, c2, c3, k0, k1);
  return out;
}

/**
 * The quantile function of the standard normal distribution: z with P(Z < z) = p.
 *
 * @param p A probability, in (0, 1).
 * @returns z, relative error about 1e-16 by the source; checked to 1e-14 against scipy 1.10.1. Minus and plus infinity
 * for 0 and 1, NaN outside [0, 1].
 *
 * @see Wichura (1988), "Algorithm AS 241", Applied Statistics 37, 477, doi:10.2307/2347330: routine PPND16
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return q * ratio(r, CENTRAL_NUMERATOR, CENTRAL_DENOMINATOR);
  }
  const tail = q < 0 ? p : 1 - p;
  if (!(tail > 0)) return tail === 0 ? Math.sign(q) * Infinity : NaN;
  const r = Math.sqrt(-Math.log(tail));
  const z = r <= 5
    ? ratio(r - 1.6, MIDDLE_NUMERATOR, MIDDLE_DENOMINATOR)
    : ratio(r - 5, FAR_NUMERATOR, FAR_DENOMINATOR);
  return q < 0 ? -z : z;
}

const TWO_32 = 2 ** 32;
const MAX_WORD = TWO_32 - 1;
/** Words made at a time: large enough to hide the call, small enough to be cheap for a stream that draws one number. */
const BUFFER_WORDS = 128;
const MAX_POISSON_MEAN = 1e15;

class PhiloxStream implements Random {
  readonly #key0: number;
  readonly #key1: number;
  readonly #step: number;
  readonly #epoch: number;
  readonly #purpose: number;
  readonly #buffer = new Uint32Array(BUFFER_WORDS);
  #used = BUFFER_WORDS;
  #block = 0;

  constructor(key0: number, key1: number, step: number, epoch: number, purpose: number) {
    this.#key0 = key0;
    this.#key1 = key1;
    this.#step = step;
    this.#epoch = epoch;
    this.#purpose = purpose;
  }

  #refill(): void {
    if (this.#block > MAX_WORD) {
      throw new RangeError(
        `Cannot draw a random number as a stream ends after 2^34 words: all are used; start a stream with another step`,
      );
    }
    fillBlocks(
      this.#buffer,
      this.#block,
      this.#step,
      this.#epoch,
      this.#purpose,
      this.#key0,
      this.#key1,
    );
    this.#block += BUFFER_WORDS / 4;
    this.#used = 0;
  }

  word(): number {
    if (this.#used === BUFFER_WORDS) this.#refill();
    return this.#buffer[this.#used++]!;
  }

  uniform(): number {
    const high = this.word() >>> 5; // 27 bits
    const low = this.word() >>> 6; // 26 bits
    return (high * 2 ** 26 + low) * 2 ** -53;
  }

  integer(bound: number): number {
    requireInteger("draw a random integer", "bound", bound, 1, TWO_32);
    return this.#below(bound);
  }

  /** Rejects the words of the incomplete last period, so that every remainder is equally likely. */
  #below(bound: number): number {
    const limit = TWO_32 - TWO_32 % bound;
    let word = this.word();
    while (word >= limit) word = this.word();
    return word % bound;
  }

  normal(mean = 0, sigma = 1): number {
    requireNumber("draw a normal", "sigma", sigma, 0, Infinity);
    const high = this.word() >>> 6; // 26 bits
    const low = this.word() >>> 6; // 26 bits
    const p = (high * 2 ** 26 + low + 0.5) * 2 ** -52; // exact, in (0, 1), symmetric about 1/2
    return mean + sigma * normalQuantile(p);
  }

  poisson(mean: number): number {
    requireNumber("draw a Poisson number", "mean", mean, 0, MAX_POISSON_MEAN);
    return mean < 10 ? this.#poissonByInversion(mean) : this.#poissonByRejection(mean);
  }

  #poissonByInversion(mean: number): number {
    const u = this.uniform();
    let count = 0;
    let term = Math.exp(-mean);
    let sum = term;
    // The second condition ends the search where rounding keeps the sum below the largest u.
    while (u >= sum && sum + term !== sum) {
      count++;
      term *= mean / count;
      sum += term;
    }
    return count;
  }

  /** Hörmann (1993), "The transformed rejection method for generating Poisson random variables": PTRS. */
  #poissonByRejection(mean: number): number {
    const b = 0.931 + 2.53 * Math.sqrt(mean);
    const a = -0.059 + 0.02483 * b;
    const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
    const vr = 0.9277 - 3.6224 / (b - 2);
    while (true) {
      const u = this.uniform() - 0.5;
      const v = this.uniform();
      const us = 0.5 - Math.abs(u);
      const count = Math.floor((2 * a / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= vr) return count;
      if (count < 0 || (us < 0.013 && v > us)) continue;
      if (Math.log(v * inverseAlpha / (a / (us * us) + b)) <= logPoisson(count, mean)) return count;
    }
  }

  exponential(mean = 1): number {
    requireNumber("draw an exponential", "mean", mean, 0, Infinity);
    return mean * -Math.log(1 - this.uniform());
  }

  /** Fisher-Yates. */
  permutation(count: number): Uint32Array<ArrayBuffer> {
    requireInteger("draw a permutation", "count", count, 0, MAX_WORD);
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    for (let i = count - 1; i > 0; i--) {
      const j = this.#below(i + 1);
      const other = order[j]!;
      order[j] = order[i]!;
      order[i] = other;
    }
    return order;
  }

  fillUniform(target: Float32Array): void {
    this.#forWords(target.length, (words, from, count, at) => {
      for (let i = 0; i < count; i++) target[at + i] = (words[from + i]! >>> 8) * 2 ** -24;
    });
  }

  fillNormal(target: Float32Array): void {
    this.#forWords(target.length, (words, from, count, at) => {
      for (let i = 0; i < count; i++) target[at + i] = normalQuantile((words[from + i]! + 0.5) * 2 ** -32);
    });
  }

  /** Hands out the next `total` words in runs as long as the buffer allows. */
  #forWords(
    total: number,
    use: (words: Uint32Array, from: number, count: number, at: number) => void,
  ): void {
    for (let at = 0; at < total;) {
      if (this.#used === BUFFER_WORDS) this.#refill();
      const count = Math.min(BUFFER_WORDS - this.#used, total - at);
      use(this.#buffer, this.#used, count, at);
      this.#used += count;
      at += count;
    }
  }
}

/**
 * Writes the blocks of consecutive counters to `out`, whose length is a multiple of four.
 *
 * A round maps (x0, x1, x2, x3) to (hi(M1 x2) ^ x1 ^ k0, lo(M1 x2), hi(M0 x0) ^ x3 ^ k1, lo(M0 x0)) with the constants
 * of the paper, and the key grows by (W0, W1) from round to round.
 */
function fillBlocks(
  out: Uint32Array,
  block: number,
  c1: number,
  c2: number,
  c3: number,
  key0: number,
  key1: number,
): void {
  for (let i = 0; i < out.length; i += 4) {
    let x0 = (block + i / 4) | 0;
    let x1 = c1 | 0;
    let x2 = c2 | 0;
    let x3 = c3 | 0;
    let k0 = key0 | 0;
    let k1 = key1 | 0;
    for (let round = 0; round < 10; round++) {
      // 32 x 32 -> 64 bit products in 16-bit limbs: 0xD2511F53 x0 and 0xCD9E8D57 x2.
      const a = x0 & 0xffff;
      const b = x0 >>> 16;
      const e = Math.imul(a, 0x1f53);
      const f = Math.imul(b, 0x1f53) + (e >>> 16);
      const g = Math.imul(a, 0xd251) + (f & 0xffff);
      const high0 = (Math.imul(b, 0xd251) + (f >>> 16) + (g >>> 16)) | 0;
      const low0 = Math.imul(x0, 0xd2511f53);
      const p = x2 & 0xffff;
      const q = x2 >>> 16;
      const r = Math.imul(p, 0x8d57);
      const s = Math.imul(q, 0x8d57) + (r >>> 16);
      const t = Math.imul(p, 0xcd9e) + (s & 0xffff);
      const high1 = (Math.imul(q, 0xcd9e) + (s >>> 16) + (t >>> 16)) | 0;
      const low1 = Math.imul(x2, 0xcd9e8d57);
      x0 = high1 ^ x1 ^ k0;
      x1 = low1;
      x2 = high0 ^ x3 ^ k1;
      x3 = low0;
      k0 = (k0 + 0x9e3779b9) | 0;
      k1 = (k1 + 0xbb67ae85) | 0;
    }
    out[i] = x0;
    out[i + 1] = x1;
    out[i + 2] = x2;
    out[i + 3] = x3;
  }
}

/** Logarithms of 0!, 1!, ..., 15!. */
const LOG_FACTORIALS: readonly number[] = [
  1,
  1,
  2,
  6,
  24,
  120,
  720,
  5040,
  40320,
  362880,
  3628800,
  39916800,
  479001600,
  6227020800,
  87178291200,
  1307674368000,
].map(Math.log);

/**
 * ln(e^-m m^k / k!). From k = 16 as -δ(k) - D(k, m) - ln(2πk)/2, where nothing large cancels.
 *
 * @see Loader (2000), "Fast and accurate computation of binomial probabilities": δ is the error of Stirling's formula,
 * D the deviance
 */
function logPoisson(count: number, mean: number): number {
  const logFactorial = LOG_FACTORIALS[count];
  if (logFactorial !== undefined) return count * Math.log(mean) - mean - logFactorial;
  const square = 1 / (count * count);
  const stirling = (1 / 12 - (1 / 360 - (1 / 1260 - square / 1680) * square) * square) / count;
  return -stirling - deviance(count, mean) - 0.5 * Math.log(2 * Math.PI * count);
}

/** k ln(k/m) + m - k, as a series where k is near m. */
function deviance(count: number, mean: number): number {
  const difference = count - mean;
  if (Math.abs(difference) > 0.1 * (count + mean)) return count * Math.log(count / mean) - difference;
  const v = difference / (count + mean);
  let sum = difference * v;
  let term = 2 * count * v;
  for (let j = 3;; j += 2) {
    term *= v * v;
    const next = sum + term / j;
    if (next === sum) return sum;
    sum = next;
  }
}

/** Coefficients of AS 241, PPND16, lowest order first: |p - 1/2| <= 0.425, then sqrt(-ln tail) <= 5, then beyond. */
const CENTRAL_NUMERATOR = Float64Array.of(
  3.3871328727963666080,
  1.3314166789178437745e2,
  1.9715909503065514427e3,
  1.3731693765509461125e4,
  4.5921953931549871457e4,
  6.7265770927008700853e4,
  3.3430575583588128105e4,
  2.5090809287301226727e3,
);
const CENTRAL_DENOMINATOR = Float64Array.of(
  1,
  4.2313330701600911252e1,
  6.8718700749205790830e2,
  5.3941960214247511077e3,
  2.1213794301586595867e4,
  3.9307895800092710610e4,
  2.8729085735721942674e4,
  5.2264952788528545610e3,
);
const MIDDLE_NUMERATOR = Float64Array.of(
  1.42343711074968357734,
  4.63033784615654529590,
  5.76949722146069140550,
  3.64784832476320460504,
  1.27045825245236838258,
  2.41780725177450611770e-1,
  2.27238449892691845833e-2,
  7.74545014278341407640e-4,
);
const MIDDLE_DENOMINATOR = Float64Array.of(
  1,
  2.05319162663775882187,
  1.67638483018380384940,
  6.89767334985100004550e-1,
  1.48103976427480074590e-1,
  1.51986665636164571966e-2,
  5.47593808499534494600e-4,
  1.05075007164441684324e-9,
);
const FAR_NUMERATOR = Float64Array.of(
  6.65790464350110377720,
  5.46378491116411436990,
  1.78482653991729133580,
  2.96560571828504891230e-1,
  2.65321895265761230930e-2,
  1.24266094738807843860e-3,
  2.71155556874348757815e-5,
  2.01033439929228813265e-7,
);
const FAR_DENOMINATOR = Float64Array.of(
  1,
  5.99832206555887937690e-1,
  1.36929880922735805310e-1,
  1.48753612908506148525e-2,
  7.86869131145613259100e-4,
  1.84631831751005468180e-5,
  1.42151175831644588870e-7,
  2.04426310338993978564e-15,
);

/** Ratio of two polynomials of degree 7. */
function ratio(r: number, n: Float64Array, d: Float64Array): number {
  const top = ((((((n[7]! * r + n[6]!) * r + n[5]!) * r + n[4]!) * r + n[3]!) * r + n[2]!) * r + n[1]!) * r +
    n[0]!;
  const bottom =
    ((((((d[7]! * r + d[6]!) * r + d[5]!) * r + d[4]!) * r + d[3]!) * r + d[2]!) * r + d[1]!) * r + d[0]!;
  return top / bottom;
}

function requireInteger(action: string, name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(
      `Cannot ${action} as the ${name} must be an integer from ${low} to ${high}: found ${value}`,
    );
  }
}

function requireNumber(action: string, name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high)) {
    throw new RangeError(
      `Cannot ${action} as the ${name} must be a number from ${low} to ${high}: found ${value}`,
    );
  }
}
