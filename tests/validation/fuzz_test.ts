/** Twenty thousand seeded mutations of every format that comes from outside: no crash, no hang, bounded memory. */
import assert from "node:assert/strict";
import { jsonOf } from "../support/child_process.ts";
import type { FuzzReport } from "./fuzz_process.ts";

const COUNT = 20_000;

/**
 * Resident bytes at most, by format; twice what was measured and more. The files have up to 20 kB; what they inflate to
 * is garbage after each of them.
 */
const MAX_BYTES: { readonly [format: string]: number } = {
  npy: 2 ** 29,
  npz: 2 ** 29,
  safetensors: 2 ** 29,
  csv: 2 ** 29,
  parquet: 2 ** 30,
  programs: 2 ** 30,
  configuration: 2 ** 30,
};

for (const [format, maxBytes] of Object.entries(MAX_BYTES)) {
  Deno.test(`${format} survives ${COUNT} mutations`, async () => {
    const script = new URL("fuzz_process.ts", import.meta.url);
    const { parsed, refused, residentBytes } = await jsonOf<FuzzReport>(script, [format, COUNT], ["-A"]);
    console.log(
      `${format}: ${parsed} parsed, ${refused} refused, at most ${(residentBytes / 1e6).toFixed(0)} MB`,
    );
    assert.equal(parsed + refused, COUNT);
    assert.ok(residentBytes < maxBytes, `${residentBytes} bytes were resident, more than ${maxBytes}`);
  });
}
