import assert from "node:assert/strict";
import { encodeFrame, MAX_FRAME_BYTES, readFrames } from "./frames.ts";

/** A stream that gives the bytes in pieces of the given size. */
function streamOf(bytes: Uint8Array, pieceSize: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (let i = 0; i < bytes.length; i += pieceSize) controller.enqueue(bytes.slice(i, i + pieceSize));
      controller.close();
    },
  });
}

async function collect(bytes: Uint8Array, pieceSize = 7): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of readFrames(streamOf(bytes, pieceSize))) messages.push(message);
  return messages;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("readFrames() gives back what encodeFrame() made, whatever the pieces", async () => {
  const messages = [{ a: 1 }, [], "µ", { nested: { list: [1, 2.5, null] } }];
  const bytes = joined(...messages.map(encodeFrame));
  for (const pieceSize of [1, 2, 5, 6, 7, 64, bytes.length]) {
    assert.deepEqual(await collect(bytes, pieceSize), messages);
  }
});

Deno.test("readFrames() gives nothing for an empty stream", async () => {
  assert.deepEqual(await collect(new Uint8Array(0)), []);
});

Deno.test("readFrames() rejects a print on the channel", async () => {
  const bytes = joined(encodeFrame({ a: 1 }), new TextEncoder().encode("hello\n"));
  await assert.rejects(collect(bytes), {
    name: "SyntaxError",
    message: 'Cannot read a frame as it must begin with "BL": found byte 104 at offset 0',
  });
});

Deno.test("readFrames() rejects a length above the bound before it reads the body", async () => {
  const frame = encodeFrame({});
  new DataView(frame.buffer).setUint32(2, MAX_FRAME_BYTES + 1, true);
  await assert.rejects(collect(frame), {
    name: "SyntaxError",
    message: /at most 33554432 bytes: 33554433 announced/,
  });
});

Deno.test("readFrames() rejects a frame that is cut off", async () => {
  await assert.rejects(collect(encodeFrame({ a: 1 }).slice(0, -1)), {
    name: "SyntaxError",
    message: /cut off: 12 bytes/,
  });
});

Deno.test("readFrames() rejects JSON with prototype keys", async () => {
  const body = new TextEncoder().encode('{"__proto__":{"x":1}}');
  const frame = joined(encodeFrame(null).slice(0, 6), body);
  new DataView(frame.buffer).setUint32(2, body.length, true);
  await assert.rejects(collect(frame), { name: "SyntaxError" });
});
