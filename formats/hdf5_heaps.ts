/**
 * Looks at collections of the global heap before the HDF5 library does. They hold texts of variable length, and the library
 * walks from object to object by their sizes without asking whether a step leads anywhere: it never returns from one of
 * size 0. There is no function to be asked first, as only the library knows which collections a read will visit; so the
 * look is taken where it reads the file.
 * Format: HDF5 file format specification 3.0, section III.E (global heap).
 *
 * | bytes of a collection | of an object in it |
 * |---|---|
 * | `GCOL`, version 1, 0 (3) | number (2), references (2), 0 (4) |
 * | size of the whole, this head included | size; of number 0, which is free space, with this head |
 * | objects | data, up to a multiple of 8 |
 *
 * @module
 */
import { Cursor, readSuperblock } from "./hdf5_header.ts";

/** An open file of the library. */
export interface ReadStream {
  position: number;
}

/** How the library reads files; see Emscripten's File System API. */
export interface ReadFileSystem<S extends ReadStream = ReadStream> {
  /** Returns how many bytes were read: fewer at the end of the file. */
  read(stream: S, bytes: Uint8Array, offset: number, length: number, position?: number): number;
  readonly ErrnoError: new (code: number) => Error;
}

/** "GCOL" and version 1. */
const COLLECTION: readonly number[] = [0x47, 0x43, 0x4f, 0x4c, 1];
/** The library reads ahead in pieces of at most 1 MiB; in a longer piece, a collection can only be the first thing. */
const AHEAD_BYTES = 2 ** 20;
/** Bytes of a collection that are looked at together. */
const WINDOW_BYTES = 2 ** 16;
/** Emscripten's number for an error of input or output. */
const EIO = 29;

/** What was found since the last {@linkcode HeapWatch.forget}. */
export interface HeapWatch {
  /** The rule that a collection broke, and how. */
  readonly fault: string | undefined;
  forget(): void;
}

/** Lets reads fail that bring in a collection without end. */
export function watchHeaps<S extends ReadStream>(FS: ReadFileSystem<S>): HeapWatch {
  const plain = FS.read;
  const lengthBytes = new WeakMap<S, number>();
  let fault: string | undefined;

  const bytesOf = (stream: S): ReadBytes => (at, length) => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, plain(stream, bytes, 0, length, at));
  };
  FS.read = (stream, bytes, offset, length, position) => {
    const at = position ?? stream.position;
    const count = plain(stream, bytes, offset, length, position);
    const read = bytesOf(stream);
    for (const start of collectionsIn(read, at, count)) {
      let width = lengthBytes.get(stream);
      if (width === undefined) lengthBytes.set(stream, width = lengthBytesOf(read));
      fault = collectionFault(read, start, width);
      if (fault !== undefined) throw new FS.ErrnoError(EIO);
    }
    return count;
  };
  return {
    get fault() {
      return fault;
    },
    forget() {
      fault = undefined;
    },
  };
}

/** Bytes at a position: fewer where the file ends. */
type ReadBytes = (at: number, length: number) => Uint8Array;

/** How wide lengths are in a file; 8 where that cannot be found out, as in nearly all. */
function lengthBytesOf(read: ReadBytes): number {
  const source = {
    name: "",
    size: 2 ** 31, // the superblock lies before
    readInto(at: number, target: Uint8Array) {
      const found = read(at, target.length);
      if (found.length < target.length) throw new SyntaxError("The file ends");
      target.set(found);
    },
    close() {},
  };
  try {
    return readSuperblock(source)?.lengthBytes ?? 8;
  } catch (error) {
    if (error instanceof SyntaxError) return 8;
    throw error;
  }
}

/** Where collections begin in bytes that were read, those cut off at either end included. */
function* collectionsIn(read: ReadBytes, at: number, count: number): Generator<number> {
  const isAhead = count <= AHEAD_BYTES;
  const around = COLLECTION.length - 1;
  const start = isAhead ? Math.max(0, at - around) : at;
  const bytes = read(start, isAhead ? at + count + around - start : COLLECTION.length);
  for (let i = bytes.indexOf(COLLECTION[0]!); i >= 0; i = bytes.indexOf(COLLECTION[0]!, i + 1)) {
    if (COLLECTION.every((byte, k) => bytes[i + k] === byte)) yield start + i;
  }
}

/**
 * What is wrong with the objects of a collection; undefined also where the file ends before it does. That the library sees,
 * and data in which only the first bytes look like a collection are rarely followed by a size that fits.
 */
function collectionFault(read: ReadBytes, start: number, lengthBytes: number): string | undefined {
  const headBytes = aligned(8 + lengthBytes);
  const sizeAt = (bytes: Uint8Array) => Number(new Cursor("", bytes, 8).big(lengthBytes));
  const head = read(start, headBytes);
  if (head.length < headBytes) return undefined;
  const end = start + sizeAt(head);
  if (!Number.isSafeInteger(end) || read(end - 1, 1).length === 0) return undefined;
  let window = new Uint8Array();
  for (let at = start + headBytes, first = at; at + headBytes <= end;) {
    if (at + headBytes > first + window.length) {
      window = read(first = at, Math.min(WINDOW_BYTES, end - at)).slice();
    }
    const object = window.subarray(at - first);
    const isFree = object[0] === 0 && object[1] === 0;
    const size = sizeAt(object);
    const step = isFree ? size : headBytes + aligned(size);
    if (step === 0 || step > end - at) {
      return `objects must fill the collection of texts at byte ${start}: found one of ${size} bytes at byte ${at}`;
    }
    at += step;
  }
  return undefined;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
