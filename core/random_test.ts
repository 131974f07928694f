import assert from "node:assert/strict";
import { normalQuantile, philox4x32, randomFor, type RandomKey } from "./random.ts";

const stream = (purpose = "test", seed = 1, epoch = 0, step = 0) => randomFor({ seed, purpose, epoch, step });

const draw = (count: number, next: () => number): Float64Array => Float64Array.from({ length: count }, next);

function moments(
  values: Float64Array,
): { mean: number; variance: number; skewness: number; kurtosis: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const central = (power: number) => values.reduce((sum, x) => sum + (x - mean) ** power, 0) / values.length;
  const variance = central(2);
  return {
    mean,
    variance,
    skewness: central(3) / variance ** 1.5,
    kurtosis: central(4) / variance ** 2,
  };
}

/** Pearson's statistic in units of its standard deviation above its mean: (X - ndf) / sqrt(2 ndf). */
function pearsonPull(counts: readonly number[], expected: readonly number[]): number {
  let chi2 = 0;
  counts.forEach((count, i) => chi2 += (count - expected[i]!) ** 2 / expected[i]!);
  return (chi2 - (counts.length - 1)) / Math.sqrt(2 * (counts.length - 1));
}

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
}

Deno.test("philox4x32() agrees with the known answers of Random123", () => {
  // tests/kat_vectors of Random123 at commit 9545ff64, the lines "philox4x32 10".
  const ones = 0xffffffff;
  const cases = [
    { counter: [0, 0, 0, 0], key: [0, 0], out: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [ones, ones, ones, ones],
      key: [ones, ones],
      out: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      out: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ];
  for (const { counter, key, out } of cases) assert.deepEqual([...philox4x32(counter, key)], out);
});

Deno.test("randomFor() lays out seed, purpose, epoch and step as documented", () => {
  // SHA-256 of "shuffle" begins with 8f30a852 b76: printed by `printf shuffle | sha256sum`.
  const hash32 = 0x8f30a852;
  const hash11 = 0xb76 >> 1;
  const seed = 2 ** 52 + 5;
  const random = randomFor({ seed, purpose: "shuffle", epoch: 3, step: 9 });
  const key = [5, 2 ** 20 + hash11 * 2 ** 21];
  for (let block = 0; block < 70; block++) {
    const words = [random.word(), random.word(), random.word(), random.word()];
    assert.deepEqual(words, [...philox4x32([block, 9, 3, hash32], key)]);
  }
});

Deno.test("randomFor() gives equal numbers for equal keys and different ones otherwise", () => {
  const keys: RandomKey[] = [
    { seed: 0, purpose: "a" },
    { seed: 1, purpose: "a" },
    { seed: 2 ** 32, purpose: "a" },
    { seed: 2 ** 32 + 1, purpose: "a" },
    { seed: 2 ** 52, purpose: "a" },
    { seed: 2 ** 53 - 1, purpose: "a" },
    { seed: 0, purpose: "b" },
    { seed: 0, purpose: "a/b" },
    { seed: 0, purpose: "a", epoch: 1 },
    { seed: 0, purpose: "a", step: 1 },
    { seed: 0, purpose: "a", epoch: 1, step: 1 },
    { seed: 0, purpose: "a", step: 2 ** 32 - 1 },
  ];
  const heads = keys.map((key) => {
    const random = randomFor(key);
    return [random.word(), random.word(), random.word(), random.word()].join();
  });
  assert.equal(new Set(heads).size, keys.length);
  assert.equal(randomFor({ seed: 0, purpose: "a", epoch: 0, step: 0 }).word(), randomFor(keys[0]!).word());
});

Deno.test("randomFor() rejects invalid keys", () => {
  const reject = (key: unknown, expected: { name: string; message: string }) =>
    assert.throws(() => randomFor(key as RandomKey), expected);
  for (const seed of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    reject({ seed, purpose: "a" }, {
      name: "RangeError",
      message:
        `Cannot make random numbers for "a" as the seed must be an integer from 0 to 9007199254740991: found ${seed}`,
    });
  }
  for (const position of ["epoch", "step"]) {
    for (const value of [-1, 1.5, 2 ** 32]) {
      reject({ seed: 0, purpose: "a", [position]: value }, {
        name: "RangeError",
        message:
          `Cannot make random numbers for "a" as the ${position} must be an integer from 0 to 4294967295: found ${value}`,
      });
    }
  }
  reject({ seed: 0, purpose: "" }, {
    name: "TypeError",
    message: `Cannot make random numbers as a purpose is a non-empty text: found ""`,
  });
});

Deno.test("word() is uniform in each byte, and streams are independent of each other", () => {
  const count = 1 << 17;
  const neighbours = [
    stream(),
    stream("test", 2),
    stream("test", 1, 1),
    stream("test", 1, 0, 1),
    stream("tesu"),
  ];
  const words = neighbours.map((random) => draw(count, () => random.word()));
  const expected = new Array<number>(256).fill(count / 256);
  for (const own of words) {
    for (const shift of [0, 8, 16, 24]) {
      const counts = new Array<number>(256).fill(0);
      for (const word of own) counts[(word >>> shift) & 255]!++;
      // 20 tests at 5 sigma of the near-normal statistic.
      assert.ok(Math.abs(pearsonPull(counts, expected)) < 5);
    }
  }
  for (let i = 0; i < words.length; i++) {
    for (let j = 0; j < i; j++) {
      let product = 0;
      for (let k = 0; k < count; k++) {
        product += (words[i]![k]! / 2 ** 32 - 0.5) * (words[j]![k]! / 2 ** 32 - 0.5);
      }
      // Standard deviation of the sum of products of two uniforms of variance 1/12.
      assert.ok(Math.abs(product) < 5 * Math.sqrt(count) / 12);
    }
  }
});

Deno.test("uniform() has the moments of the uniform distribution and no serial correlation", () => {
  const random = stream();
  const count = 400_000;
  const values = draw(count, () => random.uniform());
  const { mean, variance, skewness, kurtosis } = moments(values);
  // Five standard errors: sqrt(1/12/n), sqrt(1/180/n), sqrt(6/n) and sqrt(24/n) as bounds of the last two.
  assertNear(mean, 1 / 2, 5 * Math.sqrt(1 / 12 / count));
  assertNear(variance, 1 / 12, 5 * Math.sqrt(1 / 180 / count));
  assertNear(skewness, 0, 5 * Math.sqrt(6 / count));
  assertNear(kurtosis, 9 / 5, 5 * Math.sqrt(24 / count));
  for (const lag of [1, 2, 3, 4, 5]) {
    let product = 0;
    for (let i = lag; i < count; i++) product += (values[i]! - 0.5) * (values[i - lag]! - 0.5);
    assertNear(product / count, 0, 5 / 12 / Math.sqrt(count));
  }
  assert.ok(values.every((x) => x >= 0 && x < 1));
});

Deno.test("integer() is uniform below bounds that do not divide 2^32", () => {
  for (const bound of [1, 2, 3, 7, 100, 1000]) {
    const random = stream(`integer ${bound}`);
    const counts = new Array<number>(bound).fill(0);
    for (let i = 0; i < 200_000; i++) counts[random.integer(bound)]!++;
    if (bound > 1) assert.ok(Math.abs(pearsonPull(counts, counts.map(() => 200_000 / bound))) < 5);
  }
  // 3 x 2^30 leaves a quarter of the words over: a plain remainder would favor the lowest third two to one.
  const random = stream("integer bias");
  const counts = [0, 0, 0];
  for (let i = 0; i < 90_000; i++) counts[Math.floor(random.integer(3 * 2 ** 30) / 2 ** 30)]!++;
  assert.ok(Math.abs(pearsonPull(counts, [30_000, 30_000, 30_000])) < 5);
  assert.ok(Array.from({ length: 100 }, () => random.integer(2 ** 32)).every((x) => x >= 0 && x < 2 ** 32));
});

Deno.test("normal() has the moments, tails and scale of a Gaussian", () => {
  const random = stream();
  const count = 400_000;
  const values = draw(count, () => random.normal());
  const { mean, variance, skewness, kurtosis } = moments(values);
  assertNear(mean, 0, 5 / Math.sqrt(count));
  assertNear(variance, 1, 5 * Math.sqrt(2 / count));
  assertNear(skewness, 0, 5 * Math.sqrt(6 / count));
  assertNear(kurtosis, 3, 5 * Math.sqrt(24 / count));
  // P(|z| > 1, 2, 3): 2 (1 - Phi).
  for (
    const [z, p] of [[1, 0.31731050786291415], [2, 0.04550026389635842], [3, 0.0026997960632601866]] as const
  ) {
    const beyond = values.filter((x) => Math.abs(x) > z).length / count;
    assertNear(beyond, p, 5 * Math.sqrt(p * (1 - p) / count));
  }
  const first = stream("scale").normal();
  assert.equal(stream("scale").normal(10, 2), 10 + 2 * first);
  assert.equal(stream("scale").normal(10, 0), 10);
});

Deno.test("poisson() follows the probabilities of the Poisson distribution at small and large means", () => {
  const count = 100_000;
  for (const mean of [0.1, 1, 4.5, 9.99, 10, 12.5, 40, 300]) {
    const random = stream(`poisson ${mean}`);
    const values = draw(count, () => random.poisson(mean));
    const { mean: average, variance } = moments(values);
    assertNear(average, mean, 5 * Math.sqrt(mean / count));
    assertNear(variance, mean, 5 * Math.sqrt((2 * mean * mean + mean) / count));
    const counts: number[] = [];
    const expected: number[] = [];
    let restCount = count;
    let restExpected = count;
    for (let k = 0, p = Math.exp(-mean); k < 3 * mean + 30; k++, p *= mean / k) {
      if (p * count < 20) continue;
      counts.push(values.filter((x) => x === k).length);
      expected.push(p * count);
      restCount -= counts.at(-1)!;
      restExpected -= p * count;
    }
    assert.ok(Math.abs(pearsonPull([...counts, restCount], [...expected, restExpected])) < 5, `mean ${mean}`);
  }
});

Deno.test("poisson() is exact where the mean is zero and keeps its width where it is huge", () => {
  const random = stream();
  assert.equal(random.poisson(0), 0);
  for (const mean of [1e6, 1e10, 1e15]) {
    const pulls = draw(20_000, () => (random.poisson(mean) - mean) / Math.sqrt(mean));
    const { mean: average, variance, kurtosis } = moments(pulls);
    assertNear(average, 0, 5 / Math.sqrt(20_000));
    assertNear(variance, 1, 5 * Math.sqrt(2 / 20_000));
    assertNear(kurtosis, 3, 5 * Math.sqrt(24 / 20_000));
  }
});

Deno.test("exponential() has the given mean and no memory", () => {
  const random = stream();
  const count = 200_000;
  const values = draw(count, () => random.exponential(3));
  const { mean, variance } = moments(values);
  assertNear(mean, 3, 5 * 3 / Math.sqrt(count));
  assertNear(variance, 9, 5 * 9 * Math.sqrt(8 / count));
  const above = values.filter((x) => x > 3);
  assertNear(
    above.filter((x) => x > 6).length / above.length,
    Math.exp(-1),
    5 * 0.5 / Math.sqrt(above.length),
  );
});

Deno.test("permutation() holds every index once and all orders are equally likely", () => {
  const random = stream();
  assert.deepEqual([...random.permutation(0)], []);
  assert.deepEqual([...random.permutation(1)], [0]);
  assert.deepEqual(
    [...random.permutation(1000)].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  const orders = new Map<string, number>();
  for (let i = 0; i < 48_000; i++) {
    const order = random.permutation(4).join("");
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.equal(orders.size, 24);
  assert.ok(Math.abs(pearsonPull([...orders.values()], new Array(24).fill(2000))) < 5);
});

Deno.test("fillUniform() takes one word per element, whatever the chunks", () => {
  const words = stream();
  const whole = new Float32Array(1000);
  stream().fillUniform(whole);
  const random = stream();
  const parts = new Float32Array(1000);
  for (const [from, to] of [[0, 1], [1, 130], [130, 130], [130, 999], [999, 1000]] as const) {
    random.fillUniform(parts.subarray(from, to));
  }
  assert.deepEqual(parts, whole);
  for (const value of whole) assert.equal(value, (words.word() >>> 8) / 2 ** 24);
  assert.ok(whole.every((x) => x >= 0 && x < 1));
});

Deno.test("fillNormal() has the moments of a Gaussian", () => {
  const target = new Float32Array(400_001);
  stream().fillNormal(target);
  const { mean, variance, skewness, kurtosis } = moments(Float64Array.from(target));
  assertNear(mean, 0, 5 / Math.sqrt(target.length));
  assertNear(variance, 1, 5 * Math.sqrt(2 / target.length));
  assertNear(skewness, 0, 5 * Math.sqrt(6 / target.length));
  assertNear(kurtosis, 3, 5 * Math.sqrt(24 / target.length));
});

Deno.test("normalQuantile() agrees with scipy in the center and the tails", () => {
  // python3 -c "from scipy.stats import norm; print([norm.ppf(p) for p in (...)])", scipy 1.10.1.
  const cases: [number, number][] = [
    [1e-300, -37.0470962993612],
    [1e-20, -9.262340089798409],
    [1e-12, -7.034483825301131],
    [2 ** -33, -6.3379577545537895],
    [1e-06, -4.753424308822899],
    [0.001, -3.090232306167813],
    [0.02425, -1.972961051311885],
    [0.07, -1.4757910281791706],
    [0.0751, -1.4388253927525403],
    [0.3, -0.5244005127080409],
    [0.5000001, 2.506628273311648e-07],
    [0.84, 0.994457883209753],
    [0.975, 1.959963984540054],
    [0.999999, 4.753424308817087],
  ];
  for (const [p, z] of cases) assertNear(normalQuantile(p), z, 1e-14 * Math.abs(z));
  assert.equal(normalQuantile(0.5), 0);
  assert.equal(normalQuantile(0), -Infinity);
  assert.equal(normalQuantile(1), Infinity);
  assert.ok(Number.isNaN(normalQuantile(-0.1)) && Number.isNaN(normalQuantile(1.1)));
});

Deno.test("Random rejects parameters out of range", () => {
  const random = stream();
  const cases: [() => unknown, string][] = [
    [
      () => random.integer(0),
      "Cannot draw a random integer as the bound must be an integer from 1 to 4294967296: found 0",
    ],
    [
      () => random.integer(1.5),
      "Cannot draw a random integer as the bound must be an integer from 1 to 4294967296: found 1.5",
    ],
    [
      () => random.normal(0, -1),
      "Cannot draw a normal as the sigma must be a number from 0 to Infinity: found -1",
    ],
    [
      () => random.poisson(-1),
      "Cannot draw a Poisson number as the mean must be a number from 0 to 1000000000000000: found -1",
    ],
    [
      () => random.poisson(NaN),
      "Cannot draw a Poisson number as the mean must be a number from 0 to 1000000000000000: found NaN",
    ],
    [
      () => random.exponential(-1),
      "Cannot draw an exponential as the mean must be a number from 0 to Infinity: found -1",
    ],
    [
      () => random.permutation(-1),
      "Cannot draw a permutation as the count must be an integer from 0 to 4294967295: found -1",
    ],
  ];
  for (const [act, message] of cases) assert.throws(act, { name: "RangeError", message });
});
