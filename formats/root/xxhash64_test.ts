import assert from "node:assert/strict";
import { xxhash64 } from "./xxhash64.ts";

Deno.test("xxhash64() gives what xxhash 4.1.0 for Python gives", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i * 7919 >> 3);
  assert.deepEqual([0, 1, 4, 11, 31, 32, 39, 100].map((length) => xxhash64(bytes.subarray(0, length))), [
    "ef46db3751d8e999",
    "e934a84adb052768",
    "e0f3b64a44f5ce22",
    "0adef506ee75dce0",
    "1be79a0cf03250b4",
    "e9e60d182ee883c4",
    "cd252efc73494bc9",
    "2617987ad051c30e",
  ]);
});
