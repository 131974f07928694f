import assert from "node:assert/strict";
import { openHdf5 } from "./hdf5.ts";
import { type ReadFileSystem, type ReadStream, watchHeaps } from "./hdf5_heaps.ts";

/** A collection of two objects and free space; `sizes` are those that it claims. */
function collection(sizes: readonly [number, number, number] = [5, 16, 72]): Uint8Array {
  const bytes = new Uint8Array(16 + 24 + 32 + 72);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("GCOL\x01"));
  view.setUint32(8, bytes.length, true);
  [16, 40, 72].forEach((at, i) => {
    view.setUint16(at, i === 2 ? 0 : i + 1, true);
    view.setUint32(at + 8, sizes[i]!, true);
  });
  return bytes;
}

/** A file in memory, and how many bytes the library is given of what lies in a range. */
function fileOf(...parts: readonly Uint8Array[]) {
  const file = new Uint8Array(parts.flatMap((part) => [...part]));
  const FS: ReadFileSystem = {
    ErrnoError: class extends Error {
      constructor(readonly code: number) {
        super();
      }
    },
    read(stream, bytes, offset, length, position) {
      const part = file.subarray(position ?? stream.position).subarray(0, length);
      bytes.set(part, offset);
      if (position === undefined) stream.position += part.length;
      return part.length;
    },
  };
  const watch = watchHeaps(FS);
  const stream: ReadStream = { position: 0 };
  const read = (from: number, to: number) => FS.read(stream, new Uint8Array(to - from), 0, to - from, from);
  return { FS, watch, stream, read };
}

const BEFORE = new Uint8Array(600);

Deno.test("watchHeaps() lets sound collections, and what only looks like one, pass", () => {
  const text = new TextEncoder().encode("GCOL\x01 is how a collection begins");
  const { read, watch } = fileOf(BEFORE, collection(), text, collection());
  assert.equal(read(0, 10_000), 600 + 144 + text.length + 144);
  assert.equal(watch.fault, undefined);
});

for (
  const [name, sizes, at] of [
    ["free space of size 0", [5, 16, 0], 672],
    ["free space beyond the end", [5, 16, 73], 672],
    ["an object beyond the end", [5, 160, 72], 640],
    ["an object of 4 GiB", [2 ** 32 - 1, 16, 72], 616],
  ] as const
) {
  Deno.test(`watchHeaps() lets a read fail that brings in ${name}, wherever the read begins and ends`, () => {
    const { FS, read, watch, stream } = fileOf(BEFORE, collection(sizes), BEFORE);
    for (const [from, to] of [[0, 1000], [600, 744], [602, 700], [500, 601], [500, 605]] as const) {
      assert.throws(() => read(from, to), FS.ErrnoError);
      const fault = watch.fault;
      assert.match(fault!, new RegExp(`^objects must fill the collection .* at byte 600: .* at byte ${at}$`));
      watch.forget();
      assert.equal(watch.fault, undefined);
    }
    assert.equal(read(0, 100), 100);
    stream.position = 590; // as C's read() does it, without a position
    assert.throws(() => FS.read(stream, new Uint8Array(100), 0, 100), FS.ErrnoError);
  });
}

Deno.test("watchHeaps() leaves collections that are cut off to the library", () => {
  const endless = collection();
  endless.fill(0xff, 8, 16);
  for (const found of [collection().subarray(0, 60), endless]) {
    const { read, watch } = fileOf(BEFORE, found);
    assert.equal(read(500, 1000), 100 + found.length);
    assert.equal(watch.fault, undefined);
  }
});

Deno.test("openHdf5() refuses texts in a heap without end, and reads the rest of the file", async () => {
  const whole = await Deno.readFile(new URL("./fixtures/kinds.h5", import.meta.url));
  const starts = [...whole.keys()].filter((i) =>
    new TextDecoder().decode(whole.subarray(i, i + 4)) === "GCOL"
  );
  assert.ok(starts.length > 0);
  for (const start of starts) freeSpaceOf(whole, start).fill(0);
  const path = await Deno.makeTempFile({ suffix: ".h5" });
  await Deno.writeFile(path, whole);
  const file = await openHdf5(path);
  try {
    const refused = {
      name: "DataError",
      message:
        /^Cannot read ".*\.h5" as objects must fill the collection of texts at byte \d+: found one of 0 bytes at byte \d+$/,
    };
    assert.throws(() => file.text("text_long").read(), refused);
    assert.throws(() => file.text("text_long").read(), refused); // the library remembers nothing of it
    assert.throws(() => file.text("table_text/s").read(), refused);
    assert.ok(file.dataset("adc12").read().data.length > 0);
  } finally {
    file.close();
    await Deno.remove(path);
  }
});

/** The size of the free space of a collection in a file with lengths of 8 bytes. */
function freeSpaceOf(file: Uint8Array, start: number): Uint8Array {
  const view = new DataView(file.buffer);
  for (let at = start + 16; at < file.length;) {
    if (view.getUint16(at, true) === 0) return file.subarray(at + 8, at + 16);
    at += 16 + Math.ceil(view.getUint32(at + 8, true) / 8) * 8;
  }
  throw new Error("No free space");
}
