/**
 * Downloading the files that a manifest names: written to a temporary name and renamed, resumed after an
 * interruption, checked against their SHA-256 and the first bytes of their format.
 *
 * A share page in place of the file is detected by its first bytes, before the rest is read.
 *
 * @module
 */
import { ChecksumError, DataError } from "../core/errors.ts";
import { checkPublicUrl, checkScheme } from "./addresses.ts";
import { sha256File } from "../data/digest.ts";
import { join } from "../files/paths.ts";

/** A file of a manifest's `data`. */
export interface FetchFile {
  /** Name in the folder; may contain folders, but not lead out. */
  readonly file: string;
  readonly url: string;
  /** 64 hexadecimal digits; without it only the first bytes are checked. */
  readonly sha256?: string | undefined;
}

/** How files are fetched. */
export interface FetchOptions {
  /** Folder to write to; created if missing. */
  readonly out: string;
  /** Whether existing files are fetched again. @default false */
  readonly again?: boolean;
  /** Whether a server may have an address that is not public: this machine, its network. @default false */
  readonly allowPrivate?: boolean;
  /** Called while a file arrives; `total` is undefined if the server does not report it. */
  onProgress?(file: string, bytes: number, total: number | undefined): void;
}

/** A file that has been fetched. */
export interface FetchedFile {
  readonly path: string;
  /** Whether it already existed and was kept. */
  readonly isKept: boolean;
  readonly bytes: number;
}

/** Ending of a file that is not complete; a text beside it names the version that is being fetched. */
const PART = ".part";
const VERSION = ".version";

/** First bytes of formats, by ending. */
const MAGIC: { readonly [ending: string]: readonly number[] } = {
  npy: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59],
  npz: [0x50, 0x4b],
  zip: [0x50, 0x4b],
  root: [0x72, 0x6f, 0x6f, 0x74],
  h5: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a],
  hdf5: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a],
  png: [0x89, 0x50, 0x4e, 0x47],
  gz: [0x1f, 0x8b],
};
const LONGEST_MAGIC = 8;

/**
 * Fetches files one after the other; an existing file that is valid is kept.
 *
 * @throws {DataError} If a server cannot be reached or does not give the file, a page came in place of the file, or the
 * folder cannot be written.
 * @throws {ChecksumError} If the file is not the one declared; it is removed.
 */
export async function fetchFiles(
  files: readonly FetchFile[],
  options: FetchOptions,
): Promise<FetchedFile[]> {
  const fetched: FetchedFile[] = [];
  for (const file of files) fetched.push(await fetchFile(file, options));
  return fetched;
}

async function fetchFile(file: FetchFile, options: FetchOptions): Promise<FetchedFile> {
  if (file.file.split(/[\\/]/).includes("..") || /^[\\/]/.test(file.file)) {
    throw new DataError(`Cannot fetch "${file.file}" as it must lie in the folder: the name leads out of it`);
  }
  const path = join(options.out, file.file);
  const size = await sizeOf(path);
  if (size !== undefined && !options.again) {
    await checkFile(file, path, path);
    return { path, isKept: true, bytes: size };
  }
  await makeFolder(join(path, ".."));
  await download(file, path, options);
  try {
    await checkFile(file, path + PART, path);
  } catch (error) {
    await removeParts(path);
    throw error;
  }
  await Deno.rename(path + PART, path);
  await removeParts(path);
  return { path, isKept: false, bytes: await sizeOf(path) ?? 0 };
}

/** Fills `path.part`, from where an earlier download stopped if the server still has the same version. */
async function download(file: FetchFile, path: string, options: FetchOptions): Promise<void> {
  const version = await Deno.readTextFile(path + PART + VERSION).catch(() => "");
  const start = version === "" ? 0 : await sizeOf(path + PART) ?? 0;
  const response = await request(file, start, version, options.allowPrivate ?? false);
  const isContinued = response.status === 206 && startOf(response) === start;
  const offset = isContinued ? start : 0;
  if (!isContinued) await Deno.writeTextFile(path + PART + VERSION, versionOf(response));
  const length = Number(response.headers.get("content-length") ?? NaN);
  // Of a compressed answer the length is not that of the file.
  const isPlain = !response.headers.has("content-encoding");
  const total = isPlain && Number.isFinite(length) ? offset + length : undefined;
  const target = await Deno.open(path + PART, { write: true, create: true, truncate: !isContinued });
  let bytes = offset;
  try {
    await target.seek(offset, Deno.SeekMode.Start);
    for await (const chunk of firstBytesTogether(response.body!)) {
      if (bytes === 0) checkStart(file, chunk, path);
      for (let done = 0; done < chunk.length;) done += await target.write(chunk.subarray(done));
      bytes += chunk.length;
      options.onProgress?.(file.file, bytes, total);
    }
  } catch (error) {
    throw await interrupted(error, file, path);
  } finally {
    target.close();
  }
  if (total !== undefined && bytes !== total) {
    throw await interrupted(new Error(`${bytes} of ${total} bytes came`), file, path);
  }
}

async function request(
  { file, url }: FetchFile,
  start: number,
  version: string,
  allowPrivate: boolean,
): Promise<Response> {
  const headers: { [name: string]: string } = start > 0
    ? { range: `bytes=${start}-`, "if-range": version }
    : {};
  let response: Response;
  try {
    response = await fetchPublic(file, url, headers, allowPrivate);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(
      `Cannot fetch "${file}" as the server must be reachable: ${reasonOf(cause as Error)} at ${url}`,
      file,
      { cause },
    );
  }
  if (response.ok && response.body) return response;
  await response.body?.cancel();
  throw new DataError(
    `Cannot fetch "${file}" as the server must give it: found HTTP status ${response.status} at ${url}`,
    file,
  );
}

/** Statuses of an answer that names another place. */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** As many as browsers follow. */
const MOST_REDIRECTS = 20;

/** Fetches, and checks each place that it is sent on to before it is asked. */
async function fetchPublic(
  file: string,
  url: string,
  headers: { readonly [name: string]: string },
  allowPrivate: boolean,
): Promise<Response> {
  let place = url;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    if (allowPrivate) checkScheme(file, place);
    else await checkPublicUrl(file, place);
    const response = await fetch(place, { headers, redirect: "manual" });
    const next = response.headers.get("location");
    if (!REDIRECTS.includes(response.status) || next === null) return response;
    await response.body?.cancel();
    place = URL.canParse(next, place) ? new URL(next, place).href : next;
  }
  throw new DataError(
    `Cannot fetch "${file}" as it may be sent on at most ${MOST_REDIRECTS} times: found more from ${url}`,
    file,
  );
}

/** What distinguishes versions of a file; empty if the server says nothing reliable. */
function versionOf({ headers }: Response): string {
  const tag = headers.get("etag") ?? "";
  return tag !== "" && !tag.startsWith("W/") ? tag : headers.get("last-modified") ?? "";
}

/** First byte of a part of a file. */
function startOf({ headers }: Response): number {
  return Number(/^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1] ?? NaN);
}

/** The chunks of a body, the first of them long enough for any magic number. */
async function* firstBytesTogether(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let first: Uint8Array | undefined = new Uint8Array(0);
  for await (const chunk of body) {
    if (first === undefined) {
      yield chunk;
      continue;
    }
    const joined: Uint8Array = new Uint8Array(first.length + chunk.length);
    joined.set(first);
    joined.set(chunk, first.length);
    first = joined;
    if (first.length < LONGEST_MAGIC) continue;
    yield first;
    first = undefined;
  }
  if (first !== undefined && first.length > 0) yield first;
}

/** An error while the bytes arrive; what has arrived is kept only if the download can be resumed. */
async function interrupted(error: unknown, { file, url }: FetchFile, path: string): Promise<Error> {
  if (error instanceof DataError) {
    await removeParts(path);
    return error;
  }
  const version = await Deno.readTextFile(path + PART + VERSION).catch(() => "");
  if (version === "") await removeParts(path);
  return new DataError(
    `Cannot fetch "${file}" as all of it must arrive: ${oneLine((error as Error).message)} from ${url}; ${
      version === "" ? "start again" : "the same command continues from there"
    }`,
    file,
    { cause: error },
  );
}

/** @throws {DataError} If the bytes are not the beginning of the format that the name's ending says. */
function checkStart({ file, url }: FetchFile, bytes: Uint8Array, path: string): void {
  const magic = MAGIC[file.split(".").at(-1)!.toLowerCase()];
  if (magic === undefined || magic.every((byte, i) => bytes[i] === byte)) return;
  const start = new TextDecoder().decode(bytes.subarray(0, 256)).trimStart().toLowerCase();
  const isPage = start.startsWith("<");
  const found = isPage
    ? "a web page"
    : Array.from(bytes.subarray(0, magic.length), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const remedy = `open ${url} in a browser, download the file there and save it as "${path}"`;
  throw new DataError(
    `Cannot fetch "${file}" as it must begin as a .${file.split(".").at(-1)} file does: found ${
      found || "no bytes"
    } at ${url}${isPage ? `; ${remedy}` : ""}`,
    file,
  );
}

/** Checks a whole file: first bytes, then the checksum. */
async function checkFile(file: FetchFile, path: string, target: string): Promise<void> {
  const source = await Deno.open(path, { read: true });
  const start = new Uint8Array(256);
  let count = 0;
  try {
    count = await source.read(start) ?? 0;
  } finally {
    source.close();
  }
  checkStart(file, start.subarray(0, count), target);
  if (file.sha256 === undefined) return;
  const { sha256 } = await sha256File(path);
  if (sha256 === file.sha256.toLowerCase()) return;
  throw new ChecksumError(
    `Cannot use "${target}" as it must be the file declared: expected sha256 ${file.sha256}, got ${sha256}; fetch it with --again`,
    target,
    file.sha256,
    sha256,
  );
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (cause) {
    throw new DataError(
      `Cannot write to "${path}" as it must be a folder that can be written: ${(cause as Error).name}`,
      path,
      { cause },
    );
  }
}

async function removeParts(path: string): Promise<void> {
  for (const name of [path + PART, path + PART + VERSION]) {
    await Deno.remove(name).catch(() => {});
  }
}

function oneLine(message: string): string {
  return message.replace(/\s+/g, " ").replace(/[.\s]+$/, "");
}

/** The innermost message: fetch itself says only that it failed. */
function reasonOf(error: Error): string {
  const refused = /Requires net access to "([^"]*)"/.exec(error.message);
  if (refused) return `its address ${refused[1]} is not public (if this is meant, add --allow-private)`;
  return error.cause instanceof Error ? reasonOf(error.cause) : oneLine(error.message);
}
