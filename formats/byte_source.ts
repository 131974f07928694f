/**
 * Bytes of files: random access for readers, "aside and rename" for writers, and the one place where an error of the
 * operating system or of a parser becomes a {@linkcode DataError} that names the file.
 *
 * Reads are synchronous on purpose: seek and read are then one step, so that several readers of one open file cannot
 * disturb each other, and a small read costs microseconds. No file is mapped or read as a whole unless asked for.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import { asidePath, diskFailure } from "../core/writing.ts";

/** Bytes that can be read from any position: a file, or a part of one, or an array in memory. */
export interface ByteSource {
  /** What error messages call it: the path as given. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /**
   * Fills the whole target from a byte offset.
   *
   * @throws {SyntaxError} If fewer bytes are there.
   */
  readInto(offset: number, target: Uint8Array): void;
  /** Gives back the file; harmless when called twice. */
  close(): void;
}

/** One call of the operating system reads at most this much (Linux stops at 2 GiB - 4 KiB). */
const READ_BYTES = 1 << 28;

/**
 * Opens a regular file for random access. Needs `--allow-read` of the file alone.
 *
 * @throws {DataError} If it is missing, not a regular file, or refused by the system.
 */
export function openSource(path: string): ByteSource {
  return withFile(path, () => {
    // Asked before opening, as opening a pipe would wait for its writer.
    const { isFile, isDirectory } = Deno.statSync(path);
    if (!isFile) {
      throw new DataError(
        `Cannot read "${path}" as it must be a regular file: found ${
          isDirectory ? "a directory" : "a device or pipe"
        }`,
        path,
      );
    }
    const file = Deno.openSync(path, { read: true });
    return new FileSource(path, file.statSync().size, file);
  });
}

class FileSource implements ByteSource {
  #isOpen = true;
  constructor(readonly name: string, readonly size: number, readonly file: Deno.FsFile) {}

  readInto(offset: number, target: Uint8Array): void {
    if (target.length === 0) return;
    this.file.seekSync(offset, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < target.length) {
      const count = this.file.readSync(target.subarray(filled, filled + READ_BYTES));
      if (count === null) throw endedEarly(this.name, offset, target.length, filled);
      filled += count;
    }
  }

  close(): void {
    if (this.#isOpen) this.file.close();
    this.#isOpen = false;
  }
}

/** A {@linkcode ByteSource} over an array in memory; nothing is copied. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    readInto(offset, target) {
      const part = bytes.subarray(offset, offset + target.length);
      if (part.length < target.length) throw endedEarly(name, offset, target.length, part.length);
      target.set(part);
    },
    close() {},
  };
}

function endedEarly(name: string, offset: number, wanted: number, found: number): SyntaxError {
  return new SyntaxError(
    `Cannot read "${name}" as ${wanted} bytes must follow offset ${offset}: found ${found}`,
  );
}

/**
 * All bytes of a source in pieces of at most `length`. A piece is valid until the next one: their memory is used again.
 *
 * @throws {SyntaxError} If the source ends early.
 */
export function* piecesOf(source: ByteSource, length: number): Generator<Uint8Array<ArrayBuffer>> {
  const memory = new Uint8Array(Math.min(length, source.size));
  for (let offset = 0; offset < source.size; offset += length) {
    const piece = memory.subarray(0, Math.min(length, source.size - offset));
    source.readInto(offset, piece);
    yield piece;
  }
}

/**
 * The whole file as bytes.
 *
 * @throws {DataError} If it cannot be read.
 */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  return readSource(openSource(path));
}

/** {@linkcode readBytes} for a file that is open already; closes it. */
export function readSource(source: ByteSource): Uint8Array<ArrayBuffer> {
  try {
    return withFile(source.name, () => {
      const bytes = new Uint8Array(source.size);
      source.readInto(0, bytes);
      return bytes;
    });
  } finally {
    source.close();
  }
}

/**
 * Runs `read` and turns whatever it throws into a {@linkcode DataError} with `file`, keeping the original as `cause`.
 * A denied Deno permission and a `RangeError` of ours pass unchanged, because then the caller is at fault.
 */
export function withFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw asDataError(path, cause);
  }
}

/** {@linkcode withFile} for a function that returns a promise. */
export async function withFileAsync<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw asDataError(path, cause);
  }
}

/** Errors that are neither ours nor the system's are bugs, or a package that is not installed: they pass. */
function asDataError(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof DataError) return cause;
  if (isOurMessage(cause.message)) {
    // A range of ours is what the caller asked for, not what the file holds.
    return cause instanceof RangeError ? cause : new DataError(cause.message, path, { cause });
  }
  const rule = systemRule(cause);
  return rule === undefined ? cause : new DataError(`Cannot read "${path}" as ${rule}`, path, { cause });
}

/** Whether a message has our form; V8 itself says "Cannot read properties of null". */
export function isOurMessage(message: string): boolean {
  return /^Cannot .+ as .+: /.test(message);
}

function systemRule(cause: Error): string | undefined {
  if (cause instanceof Deno.errors.NotCapable) return undefined;
  if (cause instanceof Deno.errors.NotFound) return "the file must exist: nothing is there";
  if (cause instanceof Deno.errors.PermissionDenied) return "the user must have access: permission denied";
  if (cause instanceof Deno.errors.NotADirectory) return "the file must exist: a part of the path is a file";
  if (cause instanceof Deno.errors.IsADirectory) return "it must be a regular file: found a directory";
  if (cause instanceof RangeError && /allocation|array length/i.test(cause.message)) {
    return `its arrays must fit into memory: ${oneLine(cause.message)}`;
  }
  return cause.message.includes("(os error")
    ? `the system must be able to read it: ${oneLine(cause.message)}`
    : undefined;
}

/** A foreign message in the form of ours: one line without a final period. */
export function oneLine(message: string): string {
  return message.replace(/\s+/g, " ").replace(/[.\s]+$/, "");
}

/**
 * Writes a file aside ({@linkcode asidePath}, created exclusively and locked) and renames it, so that a reader sees the old
 * file or the whole new one. Needs `--allow-write` and `--allow-read` of the folder; where only writing is
 * granted, as in a sandbox without walls, a rename is not, and the file is written in its place. The file is removed when
 * `produce` throws. Contents are handed to the system but not forced to the disk: a loss of power may lose the newest
 * file.
 *
 * @param produce Is given `write`, which appends bytes.
 * @throws {DataError} If the folder is missing or cannot be written.
 */
export async function writeAside(
  path: string,
  produce: (write: (bytes: Uint8Array) => void) => void | Promise<void>,
): Promise<void> {
  const { aside, file } = openAside(path);
  try {
    await produce((bytes) => writeAll(path, file, bytes));
    if (aside !== path) Deno.renameSync(aside, path); // still locked, so that nobody takes it for a left-over
  } catch (cause) {
    Deno.removeSync(aside);
    throw cause instanceof Deno.errors.IsADirectory ? cannotWrite(path, cause) : cause;
  } finally {
    file.close();
  }
}

/**
 * Writes a file in its place, without waiting.
 *
 * @throws {DataError} If the folder is missing or cannot be written.
 */
export function writeInPlace(path: string, parts: readonly Uint8Array[]): void {
  const file = openInPlace(path);
  try {
    for (const part of parts) writeAll(path, file, part);
  } finally {
    file.close();
  }
}

/**
 * Appends bytes to a file that is there, in its place.
 *
 * @throws {DataError} If it cannot be written.
 */
export function appendInPlace(path: string, bytes: Uint8Array): void {
  writeToExisting(path, { append: true }, bytes);
}

/**
 * Writes bytes over the first ones of a file that is there.
 *
 * @throws {DataError} If it cannot be written.
 */
export function overwriteStart(path: string, bytes: Uint8Array): void {
  writeToExisting(path, { write: true }, bytes);
}

function writeToExisting(path: string, options: Deno.OpenOptions, bytes: Uint8Array): void {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, options);
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
  try {
    writeAll(path, file, bytes);
  } finally {
    file.close();
  }
}

function openAside(path: string): Aside {
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const isReadable = Deno.permissions.querySync({ name: "read", path: folder || "." }).state === "granted";
  return isReadable ? createAside(path) : { aside: path, file: openInPlace(path) };
}

/** A file beside the one that it is going to be. */
export interface Aside {
  readonly aside: string;
  /** Holds the lock that tells other processes that the file is being written: to be closed when it has its name. */
  readonly file: Deno.FsFile;
}

/**
 * Creates a file aside, locked.
 *
 * @throws {DataError} If the folder is missing or cannot be written.
 */
export function createAside(path: string): Aside {
  for (let n = 0;; n++) {
    const aside = asidePath(path, n);
    try {
      const file = Deno.openSync(aside, { write: true, createNew: true });
      if (isOurs(file)) return { aside, file };
      file.close();
    } catch (cause) {
      // A file of that name is another writer's, or was left by one that was killed.
      if (cause instanceof Deno.errors.AlreadyExists && n < 1000) continue;
      throw cannotWrite(path, cause);
    }
  }
}

/** Locks a file; between creating and locking it another process can have taken it for a left-over. */
function isOurs(file: Deno.FsFile): boolean {
  let isLocked = true;
  try {
    isLocked = file.tryLockSync(true);
  } catch {
    // the file system has no locks
  }
  return isLocked && (file.statSync().nlink ?? 1) > 0;
}

function openInPlace(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, create: true, truncate: true });
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

function writeAll(path: string, file: Deno.FsFile, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length;) {
      done += file.writeSync(bytes.subarray(done, done + READ_BYTES));
    }
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

/** The {@linkcode DataError} for a path that cannot be written; denied Deno permissions come back unchanged. */
export function cannotWrite(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof Deno.errors.NotCapable) return cause;
  const reason = diskFailure(cause);
  if (reason !== undefined) {
    return new DataError(`Cannot write "${path}" as the disk must take all of it: ${reason}`, path, {
      cause,
    });
  }
  const found = cause instanceof Deno.errors.NotFound
    ? "the folder is missing"
    : cause instanceof Deno.errors.NotADirectory
    ? "a part of the path is a file"
    : cause instanceof Deno.errors.IsADirectory
    ? "a directory has that name"
    : oneLine(cause.message);
  return new DataError(`Cannot write "${path}" as its folder must exist and be writable: ${found}`, path, {
    cause,
  });
}
