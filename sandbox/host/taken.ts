/**
 * What a sandbox left in its shared directory, taken out of its reach before it is looked at. A sandbox that still runs
 * can put a link or another file in the place of any file that it can name, at any moment; so the host does not read files
 * there. It moves a whole folder to a place of its own, then opens each file once, not following a link, and what was
 * opened is what is checked, digested and kept.
 *
 * The move is what makes this safe: only the last name of a path is taken as it is, whatever it is, and the folder on the
 * way to it is one that the sandbox cannot replace. A folder inside a taken one is moved the same way while the sandbox
 * runs ({@linkcode TakenFolder.takeFolder}); once it has ended, looking is enough.
 *
 * @module
 */
import fs from "node:fs";
import { DataError, PluginError } from "../../core/errors.ts";
import type { OpenFile } from "../../data/tables.ts";
import { writeAtomic } from "../../files/atomic.ts";
import { basename, join } from "../../files/paths.ts";
import { openPlainFile, pathBelow, type PlainFile } from "../../files/plain_file.ts";
import { removeClosed } from "../../files/scratch.ts";
import { type ByteSource, piecesOf } from "../../formats/byte_source.ts";

/** Whose files are taken, for messages. */
export interface Taking {
  readonly plugin: string;
  readonly hook: string;
}

/** Bytes that one call of the system reads at most. */
const READ_BYTES = 1 << 28;
/** Bytes that are copied at a time. */
const COPIED_BYTES = 1 << 20;

/** The directory that a sandbox shares with the host, and the place where the host puts what it takes out of it. */
export class SharedDirectory {
  #count = 0;

  /**
   * @param path What the sandbox may write; absolute, and not to be replaced by it.
   * @param aside On the same file system, and out of the sandbox's reach; made when something is taken.
   */
  constructor(readonly path: string, readonly aside: string) {}

  /**
   * Takes a folder out of the shared directory.
   *
   * @param name Its name there, without "/".
   * @throws {PluginError} If nothing is there, or something else than a folder.
   */
  take(name: string, taking: Taking): TakenFolder {
    return new TakenFolder(this.#move(join(this.path, name), name, taking), name, taking, this.#move);
  }

  readonly #move = (from: string, name: string, taking: Taking): string => {
    const to = join(this.aside, `${++this.#count}-${basename(from)}`);
    Deno.mkdirSync(this.aside, { recursive: true });
    try {
      Deno.renameSync(from, to);
    } catch (cause) {
      throw notTaken(name, "a folder", foundBy(cause), taking);
    }
    const info = Deno.lstatSync(to);
    if (info.isDirectory) return to;
    const found = info.isSymlink ? "a symbolic link" : "a file, pipe or device";
    throw notTaken(name, "a folder", found, taking);
  };
}

/** A folder that a sandbox filled and no longer reaches by its name. */
export class TakenFolder {
  readonly #move: (from: string, name: string, taking: Taking) => string;

  constructor(
    /** Where it is now; absolute. */
    readonly path: string,
    /** Where it was in the shared directory. */
    readonly name: string,
    readonly taking: Taking,
    move: (from: string, name: string, taking: Taking) => string,
  ) {
    this.#move = move;
  }

  /**
   * Takes a folder out of this one, for a sandbox that still runs.
   *
   * @throws {PluginError} If it is no folder.
   */
  takeFolder(name: string): TakenFolder {
    const inner = `${this.name}/${name}`;
    return new TakenFolder(
      this.#move(join(this.path, name), inner, this.taking),
      inner,
      this.taking,
      this.#move,
    );
  }

  /**
   * Opens a file with one name, once.
   *
   * @param name With "/" only if the sandbox has ended.
   * @throws {PluginError} If it, or what is on the way to it, is anything else: a link, pipe, folder, or nothing.
   */
  open(name: string): PlainFile {
    const file = this.#open(name);
    if (file.info.nlink <= 1) return file;
    file.close();
    throw this.#notPlain(name, "a hard link");
  }

  /**
   * Reads a file as a whole.
   *
   * @throws {PluginError} As {@linkcode TakenFolder.open}, and if it is larger.
   */
  read(name: string, maxBytes: number): Uint8Array<ArrayBuffer> {
    using file = this.open(name);
    if (file.size <= maxBytes) return file.readAll();
    throw notTaken(
      `${this.name}/${name}`,
      `a file of at most ${maxBytes} bytes`,
      `${file.size}`,
      this.taking,
    );
  }

  /**
   * A file as bytes from any position; to be closed.
   *
   * @throws {PluginError} As {@linkcode TakenFolder.open}.
   */
  source(name: string): ByteSource {
    return sourceOf(this.open(name), `${this.name}/${name}`);
  }

  /** Opens files by their name in the shared directory, as {@linkcode TakenFolder.source}, for readers of tables. */
  get opener(): OpenFile {
    return (path) => this.source(path.slice(this.name.length + 1));
  }

  /**
   * Moves a file, which may be large, out of the folder; the sandbox has ended. What arrives is what was opened.
   *
   * @param target Nothing that is there is kept.
   * @throws {PluginError} As {@linkcode TakenFolder.open}.
   */
  async move(name: string, target: string): Promise<void> {
    using file = this.open(name);
    try {
      await Deno.rename(join(this.path, name), target);
    } catch (error) {
      if ((error as { code?: string }).code !== "EXDEV") throw error;
      await writeAtomic(target, piecesOf(sourceOf(file, target), COPIED_BYTES), { isTidied: true }); // another file system
      return;
    }
    const { dev, ino } = fs.lstatSync(target);
    if (dev === file.info.dev && ino === file.info.ino) return;
    await Deno.remove(target, { recursive: true });
    throw this.#notPlain(name, "another file");
  }

  /** Removes it with all that is in it. */
  async remove(): Promise<void> {
    await removeClosed(this.path);
  }

  #open(name: string): PlainFile {
    try {
      return openPlainFile(pathBelow(this.path, name));
    } catch (cause) {
      throw this.#notPlain(name, foundBy(cause));
    }
  }

  #notPlain(name: string, found: string): PluginError {
    return notTaken(`${this.name}/${name}`, "a plain file", found, this.taking);
  }
}

/**
 * What an error of opening or moving says was found; a sandbox can make its folders unreadable, too.
 *
 * @throws What is neither ours nor the system's.
 */
function foundBy(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "nothing";
  if (cause instanceof DataError) return cause.message.split(": found ").at(-1)!;
  const { code } = cause as { code?: string };
  if (code === undefined) throw cause;
  return `what the system refuses (${code})`;
}

function notTaken(name: string, rule: string, found: string, { plugin, hook }: Taking): PluginError {
  return new PluginError(`Cannot take "${name}" as it must be ${rule}: found ${found}`, plugin, hook);
}

/** An open file as a source; a file that becomes shorter is refused where it ends. */
function sourceOf(file: PlainFile, name: string): ByteSource {
  let isOpen = true;
  return {
    name,
    size: file.size,
    readInto(offset, target) {
      for (let filled = 0; filled < target.length;) {
        const length = Math.min(target.length - filled, READ_BYTES);
        const count = fs.readSync(file.descriptor, target, filled, length, offset + filled);
        if (count === 0) {
          throw new SyntaxError(
            `Cannot read "${name}" as ${target.length} bytes must follow offset ${offset}: found ${filled}`,
          );
        }
        filled += count;
      }
    },
    close() {
      if (isOpen) file.close();
      isOpen = false;
    },
  };
}
