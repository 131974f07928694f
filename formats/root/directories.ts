/**
 * The directories of a ROOT file and the trees in them.
 *
 * | directory | bytes |
 * |---|---|
 * | version; above 1000 the positions have 8 bytes | 2 |
 * | two times of writing; length of its list of keys; length of its name | 4 each |
 * | fSeekDir, fSeekParent, fSeekKeys | 4 each |
 *
 * The list of keys is a record whose data are the number of keys and the keys. An object that was written again has a
 * further key with a higher cycle.
 *
 * @see <https://root.cern/doc/v640/classTDirectoryFile.html>
 * @module
 */
import type { ByteSource } from "../byte_source.ts";
import { type Header, type Key, LARGE_KEY_VERSION, parseKey, readPart } from "./container.ts";
import { Cursor, damage } from "./cursor.ts";

const TREES = new Set(["TTree", "TNtuple", "TNtupleD"]);
const DIRECTORIES = new Set(["TDirectory", "TDirectoryFile"]);
const MAX_DIRECTORIES = 10_000;
/** Version, two times, two lengths, three positions of 8 bytes. */
const DIRECTORY_BYTES = 42;

/** Trees by path, with the keys of their cycles, the newest first. */
export interface FoundTrees {
  readonly trees: ReadonlyMap<string, readonly Key[]>;
  /** Those of the newer kind, which are not read. */
  readonly ntuples: ReadonlySet<string>;
}

/** Looks through all directories. @throws {SyntaxError} If one is damaged. */
export function findTrees(source: ByteSource, header: Header): FoundTrees {
  const trees = new Map<string, Key[]>();
  const ntuples = new Set<string>();
  const seen = new Set<number>();
  const pending = [{ at: header.begin + header.nameBytes, prefix: "" }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (seen.has(next.at)) throw damage("directories must not hold each other", `"${next.prefix}" again`);
    seen.add(next.at);
    if (seen.size > MAX_DIRECTORIES) {
      throw damage(`a file has at most ${MAX_DIRECTORIES} directories`, "more");
    }
    const folders = new Map<string, Key>();
    for (const key of readKeys(source, next.at)) {
      const path = next.prefix + key.name;
      if (TREES.has(key.className)) trees.set(path, [...trees.get(path) ?? [], key]);
      else if (key.className.endsWith("RNTuple")) ntuples.add(path);
      else if (DIRECTORIES.has(key.className)) {
        const other = folders.get(path);
        if (other === undefined || other.cycle < key.cycle) folders.set(path, key);
      }
    }
    // The last one pushed is visited first: reversed, so that the order is that of the file.
    for (const [path, key] of [...folders].reverse()) {
      pending.push({ at: key.seek + key.keyBytes, prefix: `${path}/` });
    }
  }
  for (const keys of trees.values()) keys.sort((a, b) => b.cycle - a.cycle);
  return { trees, ntuples };
}

function readKeys(source: ByteSource, at: number): readonly Key[] {
  const place = `the directory at byte ${at}`;
  const bytes = readPart(source, at, Math.max(0, Math.min(DIRECTORY_BYTES, source.size - at)));
  const directory = new Cursor(bytes, place);
  const isLarge = directory.int16() > LARGE_KEY_VERSION;
  directory.take(8);
  const byteCount = directory.int32();
  directory.take(4);
  directory.seek(isLarge);
  directory.seek(isLarge);
  const seek = directory.seek(isLarge);
  if (seek === 0) {
    throw damage(
      `${place} must have its list of keys: the file was not closed`,
      "none; recover it with ROOT",
    );
  }
  const list = new Cursor(readPart(source, seek, byteCount), `the list of keys at byte ${seek}`);
  const own = parseKey(list);
  if (own.keyBytes !== list.position) {
    throw damage(`${list.place} must have a key of ${own.keyBytes} bytes`, list.position);
  }
  const count = list.int32();
  const keys: Key[] = [];
  for (let i = 0; i < count; i++) keys.push(parseKey(list));
  return keys;
}
