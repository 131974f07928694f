/**
 * Frames between host and box: `"BL"`, a 32-bit little-endian length, then that many bytes of UTF-8 JSON.
 * The two magic bytes tell a stray print on the channel from a frame.
 *
 * | offset | bytes | content |
 * |---|---|---|
 * | 0 | 2 | 0x42 0x4C |
 * | 2 | 4 | length of the JSON, at most {@linkcode MAX_FRAME_BYTES} |
 * | 6 | length | JSON |
 *
 * @module
 */
import { safeParseJson } from "../../core/json.ts";
import type { Json } from "../../core/types.ts";

/** Arrays travel as files, so a frame holds names and settings only. */
export const MAX_FRAME_BYTES: number = 32 * 2 ** 20;

const MAGIC = [0x42, 0x4c] as const;
const HEADER_BYTES = 6;

/** The bytes of one frame. */
export function encodeFrame(message: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  if (body.length > MAX_FRAME_BYTES) {
    throw new RangeError(
      `Cannot send a frame as it may hold at most ${MAX_FRAME_BYTES} bytes: ${body.length} found`,
    );
  }
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  frame.set(MAGIC, 0);
  new DataView(frame.buffer).setUint32(2, body.length, true);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * Messages of a byte stream, in order. Ends where the stream ends.
 *
 * @throws {SyntaxError} If the bytes are not frames, a frame is too long or cut off, or its JSON is not valid.
 */
export async function* readFrames(stream: ReadableStream<Uint8Array>): AsyncGenerator<Json> {
  let pending = new Uint8Array(0);
  for await (const chunk of stream) {
    pending = concatenate(pending, chunk);
    for (;;) {
      const length = frameLength(pending);
      if (length === undefined || pending.length < HEADER_BYTES + length) break;
      const text = new TextDecoder("utf-8", { fatal: true }).decode(
        pending.subarray(HEADER_BYTES, HEADER_BYTES + length),
      );
      pending = pending.subarray(HEADER_BYTES + length);
      yield safeParseJson(text, "a frame");
    }
  }
  if (pending.length > 0) {
    throw new SyntaxError(
      `Cannot read a frame as it is cut off: ${pending.length} bytes are left at the end`,
    );
  }
}

/** Length of the frame at the start, or undefined where its header is not complete. */
function frameLength(bytes: Uint8Array): number | undefined {
  for (let i = 0; i < Math.min(2, bytes.length); i++) {
    if (bytes[i] !== MAGIC[i]) {
      throw new SyntaxError(
        `Cannot read a frame as it must begin with "BL": found byte ${bytes[i]} at offset ${i}`,
      );
    }
  }
  if (bytes.length < HEADER_BYTES) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(2, true);
  if (length > MAX_FRAME_BYTES) {
    throw new SyntaxError(
      `Cannot read a frame as it may hold at most ${MAX_FRAME_BYTES} bytes: ${length} announced`,
    );
  }
  return length;
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a, 0);
  joined.set(b, a.length);
  return joined;
}
