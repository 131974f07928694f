/** Files that are large in name only: `data inspect` reads what describes them, and takes no memory for the rest. */
import assert from "node:assert/strict";
import { encodeNpyHeader } from "../../formats/npy.ts";
import { MOST_MEMBERS } from "../../formats/zip.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { arraysOf } from "./inspect.ts";

const TERABYTE = 2 ** 40;

/** A file that begins with bytes and goes on with a hole. */
async function writeSparse(path: string, start: Uint8Array, size: number): Promise<void> {
  await Deno.writeFile(path, start);
  await Deno.truncate(path, size);
}

function safetensorsStart(bytes: number): Uint8Array {
  const entry = { a: { dtype: "F32", shape: [bytes / 4], data_offsets: [0, bytes] } };
  const text = new TextEncoder().encode(JSON.stringify(entry));
  const start = new Uint8Array(8 + text.length);
  new DataView(start.buffer).setBigUint64(0, BigInt(text.length), true);
  start.set(text, 8);
  return start;
}

/** An archive of stored members without content. */
function emptyMembers(count: number): Uint8Array {
  const name = (i: number): Uint8Array => new TextEncoder().encode(`${String(i).padStart(6, "0")}.npy`);
  const [local, central] = [30 + 10, 46 + 10];
  const bytes = new Uint8Array(count * (local + central) + 56 + 20 + 22);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    const [a, b] = [i * local, count * local + i * central];
    view.setUint32(a, 0x04034b50, true);
    view.setUint16(a + 4, 20, true);
    view.setUint16(a + 26, 10, true);
    bytes.set(name(i), a + 30);
    view.setUint32(b, 0x02014b50, true);
    view.setUint16(b + 6, 20, true);
    view.setUint16(b + 28, 10, true);
    view.setUint32(b + 42, a, true);
    bytes.set(name(i), b + 46);
  }
  const end = count * (local + central) + 76;
  const directory = count * local;
  view.setUint32(end - 76, 0x06064b50, true); // zip64 record
  view.setBigUint64(end - 72, 44n, true);
  view.setUint16(end - 62, 45, true);
  view.setBigUint64(end - 52, BigInt(count), true);
  view.setBigUint64(end - 44, BigInt(count), true);
  view.setBigUint64(end - 36, BigInt(count * central), true);
  view.setBigUint64(end - 28, BigInt(directory), true);
  view.setUint32(end - 20, 0x07064b50, true); // its place
  view.setBigUint64(end - 12, BigInt(end - 76), true);
  view.setUint32(end - 4, 1, true);
  view.setUint32(end, 0x06054b50, true);
  view.setUint16(end + 8, 0xffff, true);
  view.setUint16(end + 10, 0xffff, true);
  view.setUint32(end + 12, 0xffffffff, true);
  view.setUint32(end + 16, 0xffffffff, true);
  return bytes;
}

Deno.test("arraysOf() lists a sparse file of a terabyte without reading it", async () => {
  await withTempDir(async (directory) => {
    const npy = encodeNpyHeader("float32", [TERABYTE / 4]);
    await writeSparse(`${directory}/a.npy`, npy, npy.length + TERABYTE);
    const safetensors = safetensorsStart(TERABYTE);
    await writeSparse(`${directory}/a.safetensors`, safetensors, safetensors.length + TERABYTE);
    for (const [ending, name] of [["npy", ""], ["safetensors", "a"]]) {
      assert.deepEqual(await arraysOf(`${directory}/a.${ending}`), [
        { name, dtype: "float32", shape: [TERABYTE / 4] },
      ]);
    }
  });
});

Deno.test("arraysOf() refuses an archive of more members than it may have, in bounded memory", async () => {
  await withTempDir(async (directory) => {
    const path = `${directory}/many.npz`;
    await Deno.writeFile(path, emptyMembers(300_000));
    const before = Deno.memoryUsage().heapUsed;
    await assert.rejects(arraysOf(path), {
      message: `Cannot read "${path}" as a zip archive may have at most ${MOST_MEMBERS} members: found more`,
    });
    // all of their entries would take about 2.5 GB
    assert.ok(Deno.memoryUsage().heapUsed - before < 600e6);
  });
});
