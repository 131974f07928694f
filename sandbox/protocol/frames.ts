/**
 * Frames between host and sandbox: `"BL"`, a 32-bit little-endian length, then that many bytes of UTF-8 JSON.
 * The two magic bytes distinguish a frame from a stray print on the channel.
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
/** Most commas, colons and brackets of a frame: a limit on its values, counted before any of them is created. */
export const MAX_FRAME_MARKS: number = 2_000_000;

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
 * Messages of a byte stream, in order. Ends where the stream ends. Time and memory are linear in the bytes, however
 * small the pieces are in which they come.
 *
 * @throws {SyntaxError} If the bytes are not frames, a frame is too long, holds too many values or is cut off, or its
 * JSON is not valid.
 */
export async function* readFrames(stream: ReadableStream<Uint8Array>): AsyncGenerator<Json> {
  const pending = new ByteQueue();
  for await (const chunk of stream) {
    pending.push(chunk);
    for (let length = frameLength(pending.bytes); length !== undefined; length = frameLength(pending.bytes)) {
      if (pending.bytes.length < HEADER_BYTES + length) break;
      const body = pending.bytes.subarray(HEADER_BYTES, HEADER_BYTES + length);
      checkMarks(body);
      const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
      pending.drop(HEADER_BYTES + length);
      yield safeParseJson(text, "a frame");
    }
  }
  if (pending.bytes.length > 0) {
    throw new SyntaxError(
      `Cannot read a frame as it is cut off: ${pending.bytes.length} bytes are left at the end`,
    );
  }
}

/** Bytes that wait to be read, in a buffer that doubles. */
class ByteQueue {
  #buffer = new Uint8Array(1 << 16);
  #start = 0;
  #end = 0;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  push(chunk: Uint8Array): void {
    const needed = this.#end - this.#start + chunk.length;
    if (this.#end + chunk.length > this.#buffer.length) {
      const waiting = this.bytes;
      if (needed > this.#buffer.length / 2) this.#buffer = new Uint8Array(Math.max(needed * 2, 1 << 16));
      this.#buffer.set(waiting, 0);
      [this.#start, this.#end] = [0, waiting.length];
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  drop(count: number): void {
    this.#start += count;
    if (this.#start < this.#end) return;
    [this.#start, this.#end] = [0, 0];
    if (this.#buffer.length > 1 << 20) this.#buffer = new Uint8Array(1 << 16);
  }
}

/** The length of the frame at the start, or undefined where its header is not complete. */
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

/**
 * JSON of a few bytes per value becomes objects of a hundred bytes: their number is limited while they are
 * still text.
 */
function checkMarks(body: Uint8Array): void {
  if (body.length <= MAX_FRAME_MARKS) return;
  let count = 0;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]!;
    if (byte === 0x2c || byte === 0x3a || byte === 0x5b || byte === 0x7b) count++;
  }
  if (count > MAX_FRAME_MARKS) {
    throw new SyntaxError(
      `Cannot read a frame as it may hold at most ${MAX_FRAME_MARKS} commas, colons and brackets: ${count} found`,
    );
  }
}
