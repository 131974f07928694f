import assert from "node:assert/strict";
import { sha256Bytes, sha256File } from "./digest.ts";

Deno.test("sha256File() gives the published digests", async () => {
  const file = await Deno.makeTempFile();
  try {
    // FIPS 180-4 example "abc"; the digest of a million "a" is the long example of the same standard.
    await Deno.writeTextFile(file, "abc");
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.deepEqual(await sha256File(file), { bytes: 3, sha256: abc });
    await Deno.writeTextFile(file, "a".repeat(1_000_000));
    const million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    assert.deepEqual(await sha256File(file), { bytes: 1_000_000, sha256: million });
    // Longer than one piece of 1 MiB, and an empty file.
    const long = new Uint8Array(3_000_001).fill(7);
    await Deno.writeFile(file, long);
    assert.deepEqual(await sha256File(file), sha256Bytes(long));
    await Deno.truncate(file);
    assert.deepEqual(await sha256File(file), sha256Bytes(new Uint8Array()));
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("sha256File() rejects a missing file", async () => {
  await assert.rejects(sha256File("no/such"), {
    name: "DataError",
    file: "no/such",
    message: 'Cannot read "no/such" as the file must exist: nothing is there',
  });
});
