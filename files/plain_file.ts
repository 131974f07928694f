/**
 * Files of folders that somebody else may have written: opened once, without following a link, and only if they are
 * regular files. What was opened is what is checked, hashed and used, so that nothing can be put in its place meanwhile.
 *
 * @module
 */
import fs from "node:fs";
import { DataError } from "../core/errors.ts";
import { isAbsolute, join } from "./paths.ts";

/** Bytes of the largest file that is read as a whole, unless the caller names another limit. */
const DEFAULT_MAX_BYTES = 2 ** 31;

/** An open regular file; close it with `using` or {@linkcode PlainFile.close}. */
export class PlainFile {
  constructor(readonly path: string, readonly descriptor: number, readonly info: fs.Stats) {}

  /** Bytes of the file when it was opened. */
  get size(): number {
    return this.info.size;
  }

  /** Reads the whole file. */
  readAll(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.size);
    let filled = 0;
    while (filled < bytes.length) {
      const read = fs.readSync(this.descriptor, bytes, filled, bytes.length - filled, filled);
      if (read === 0) break; // it became shorter
      filled += read;
    }
    return filled === bytes.length ? bytes : bytes.slice(0, filled);
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a regular file for reading. Its last component must not be a link; pipes and devices are refused without waiting.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {DataError} If it is a link, folder, pipe, device or socket.
 */
export function openPlainFile(path: string): PlainFile {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  // where the system cannot refuse a link while opening, look before
  if (O_NOFOLLOW === 0 && fs.lstatSync(path).isSymbolicLink()) throw notPlain(path, "a symbolic link");
  let descriptor: number;
  try {
    descriptor = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ELOOP" || code === "EMLINK") throw notPlain(path, "a symbolic link");
    if (code === "ENXIO") throw notPlain(path, "a socket or device");
    if (code === "ENOENT" || code === "ENOTDIR") throw absent(path);
    throw error;
  }
  const info = fs.fstatSync(descriptor);
  const found = info.isDirectory()
    ? "a folder"
    : !info.isFile()
    ? "a device, pipe or socket"
    : isAt(path, info)
    ? undefined
    : "a symbolic link";
  if (found === undefined) return new PlainFile(path, descriptor, info);
  fs.closeSync(descriptor);
  throw notPlain(path, found);
}

/** Nothing is there, or a link to nothing. */
function absent(path: string): Error {
  return entryAt(path)?.isSymbolicLink()
    ? notPlain(path, "a symbolic link")
    : new Deno.errors.NotFound(`no file "${path}"`);
}

function entryAt(path: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(path);
  } catch {
    return undefined; // nothing is there, or a file is on the way
  }
}

/**
 * Whether what was opened is what lies at the path. Unless all permissions are granted, Deno resolves links itself before
 * it opens a file, so that `O_NOFOLLOW` sees none; of a link, or of a file that was put in its place meanwhile, the inode
 * is another.
 */
function isAt(path: string, opened: fs.Stats): boolean {
  const there = entryAt(path);
  return there !== undefined && there.isFile() && there.ino === opened.ino && there.dev === opened.dev;
}

function notPlain(path: string, found: string): DataError {
  return new DataError(`Cannot read "${path}" as it must be a plain file: found ${found}`, path);
}

/**
 * Reads a regular file as a whole, not following a link.
 *
 * @param maxBytes Largest size that is accepted.
 * @throws {DataError} As {@linkcode openPlainFile}, and if the file is larger.
 */
export function readPlainFile(path: string, maxBytes = DEFAULT_MAX_BYTES): Uint8Array<ArrayBuffer> {
  using file = openPlainFile(path);
  if (file.size <= maxBytes) return file.readAll();
  throw new DataError(
    `Cannot read "${path}" as it may have at most ${maxBytes} bytes: it has ${file.size}`,
    path,
  );
}

/**
 * Reads a regular file of UTF-8 text as a whole, not following a link.
 *
 * @throws {DataError} As {@linkcode readPlainFile}.
 */
export function readPlainText(path: string, maxBytes?: number): string {
  return new TextDecoder().decode(readPlainFile(path, maxBytes));
}

/**
 * The path of something below a folder, none of whose components below that folder is a link. The folder itself may be
 * reached through links.
 *
 * @param name Relative, with "/" between components; the last one need not exist, and is not looked at.
 * @throws {DataError} If the name leaves the folder, or a component on the way is a link or no folder.
 */
export function pathBelow(folder: string, name: string): string {
  const parts = name.split("/");
  const leaves = name === "" || isAbsolute(name) || /[\\\0]/.test(name) ||
    parts.some((part) => part === "" || part === "." || part === "..");
  if (leaves) {
    throw new DataError(`Cannot use "${name}" as it must be a plain name below "${folder}"`, folder);
  }
  let path = folder;
  for (const part of parts.slice(0, -1)) {
    path = join(path, part);
    const info = fs.lstatSync(path, { throwIfNoEntry: false });
    if (info === undefined || info.isDirectory()) continue;
    const found = info.isSymbolicLink() ? "a symbolic link" : "something else";
    throw new DataError(`Cannot use "${path}" as it must be a folder: found ${found}`, path);
  }
  return join(path, parts.at(-1)!);
}
