/**
 * A git repository of a folder that a stranger may have sent, read as data: where it is, what it has checked out, and a
 * fresh git directory of ours over its objects. No git is ever run on a configuration that came with a folder: it can name
 * programs in more ways than a list could keep up with. Links are not followed, and a `.git` that leads elsewhere must be
 * known there: else a folder could pass off another repository of the user as its own.
 *
 * @see https://git-scm.com/docs/gitrepository-layout
 *
 * @module
 */
import { DataError } from "../../core/errors.ts";
import { dirname, join, resolve } from "../../files/paths.ts";
import { openPlainFile, pathBelow, readPlainFile, readPlainText } from "../../files/plain_file.ts";

/** Where a repository is. */
export interface Repository {
  /** The folder that holds `.git`, the top of the work tree; without links. */
  readonly top: string;
  /** What belongs to this work tree: HEAD and index. */
  readonly gitDirectory: string;
  /** What all work trees share: configuration, references, objects. */
  readonly commonDirectory: string;
}

/** Largest files of a git directory that are read. */
const MAX_TEXT = 2 ** 20;
const MAX_REFERENCES = 2 ** 26;
const MAX_INDEX = 2 ** 28;

/**
 * The repository that a folder lies in: the nearest `.git` on the way up that is one.
 *
 * @returns `undefined` outside of any.
 * @throws {DataError} If its `.git` is a link, or leads to a repository that does not know of this work tree.
 */
export async function findRepository(directory: string): Promise<Repository | undefined> {
  for (let top = await Deno.realPath(directory);; top = dirname(top)) {
    const found = await repositoryAt(top);
    if (found || top === dirname(top)) return found;
  }
}

async function repositoryAt(top: string): Promise<Repository | undefined> {
  const path = join(top, ".git");
  const info = await Deno.lstat(path).catch(() => undefined);
  if (info === undefined) return undefined;
  if (info.isSymlink) throw refused(top, '".git" must not be a link', "one");
  if (info.isDirectory) {
    const isRepository = await isFile(join(path, "HEAD"));
    return isRepository ? { top, gitDirectory: path, commonDirectory: path } : undefined;
  }
  const named = /^gitdir: (.+?)\n?$/.exec(readPlainText(path, MAX_TEXT))?.[1];
  return named === undefined ? undefined : await linkedRepository(top, resolve(top, named));
}

/** A work tree of another repository, or a submodule: that one must name this folder. */
async function linkedRepository(top: string, named: string): Promise<Repository> {
  const gitDirectory = await Deno.realPath(named).catch(() => undefined);
  if (gitDirectory === undefined) throw refused(top, "the repository of its .git file must be there", named);
  const common = optionalText(join(gitDirectory, "commondir"))?.trim();
  const commonDirectory = common === undefined
    ? gitDirectory
    : await Deno.realPath(resolve(gitDirectory, common));
  const back = optionalText(join(gitDirectory, "gitdir"))?.trim();
  const repository = { top, gitDirectory, commonDirectory };
  const isWorkTree = back !== undefined && commonDirectory === dirname(dirname(gitDirectory)) &&
    await Deno.realPath(dirname(resolve(gitDirectory, back))).catch(() => undefined) === top;
  // a submodule is recognized by its core.worktree, which `checkWorkTree` compares
  if (isWorkTree || common === undefined) return repository;
  throw refused(top, "the repository of its .git file must know this work tree", named);
}

/** The value of `core.worktree` must be this work tree; a linked repository must have one. */
export async function checkWorkTree(repository: Repository, configured: string | undefined): Promise<void> {
  const { top, gitDirectory, commonDirectory } = repository;
  const isLinked = gitDirectory === commonDirectory && gitDirectory !== join(top, ".git");
  if (configured === undefined && !isLinked) return;
  const named = configured === undefined
    ? undefined
    : await Deno.realPath(resolve(gitDirectory, configured)).catch(() => configured);
  if (named === top) return;
  throw refused(top, "its work tree must be the folder that holds .git", named ?? "none");
}

function refused(top: string, rule: string, found: string): DataError {
  return new DataError(`Cannot read the git repository of "${top}" as ${rule}: found ${found}`, top);
}

async function isFile(path: string): Promise<boolean> {
  return (await Deno.lstat(path).catch(() => undefined))?.isFile ?? false;
}

/** The text of a plain file; undefined if it is not there. */
function optionalText(path: string, maxBytes = MAX_TEXT): string | undefined {
  try {
    return readPlainText(path, maxBytes);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const HASH = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
/** As git names references: no "..", no component that begins with a dot. */
const REFERENCE = /^refs(\/(?!\.)(?!.*\.\.)[^\/\0-\x20\x7f~^:?*[\\]+)+$/;
/** References that name references. */
const MAX_DEPTH = 5;

/** The commit that is checked out; undefined before the first one. */
export function headCommit(repository: Repository): string | undefined {
  let text = optionalText(join(repository.gitDirectory, "HEAD"));
  for (let depth = 0; depth < MAX_DEPTH && text !== undefined; depth++) {
    const line = text.trim();
    if (HASH.test(line)) return line;
    const name = /^ref: (\S+)$/.exec(line)?.[1];
    if (name === undefined || !REFERENCE.test(name)) return undefined;
    const packed = packedReference(repository, name);
    text = looseReference(repository, name) ?? packed;
  }
  return undefined;
}

function looseReference({ gitDirectory, commonDirectory }: Repository, name: string): string | undefined {
  for (const folder of new Set([gitDirectory, commonDirectory])) {
    const text = optionalText(pathBelow(folder, name));
    if (text !== undefined) return text;
  }
  return undefined;
}

function packedReference({ commonDirectory }: Repository, name: string): string | undefined {
  const lines = optionalText(join(commonDirectory, "packed-refs"), MAX_REFERENCES)?.split("\n") ?? [];
  return lines.find((line) => line.endsWith(` ${name}`))?.split(" ")[0];
}

/**
 * The objects of a repository, if all of them lie in it.
 *
 * @throws {DataError} If there is a link, or objects are borrowed from another repository.
 */
export async function ownObjects({ top, commonDirectory }: Repository): Promise<string> {
  const objects = join(commonDirectory, "objects");
  if (!(await Deno.lstat(objects)).isDirectory) throw refused(top, "its objects must be a folder", "another");
  for (const name of ["alternates", "http-alternates"]) {
    if (await Deno.lstat(join(objects, "info", name)).catch(() => undefined)) {
      throw refused(top, "all its objects must lie in it", `info/${name}`);
    }
  }
  for await (const folder of Deno.readDir(objects)) {
    if (folder.isSymlink) throw refused(top, "its objects must not be links", folder.name);
    if (!folder.isDirectory || folder.name === "info") continue; // of info, alternates alone would be read
    for await (const file of Deno.readDir(join(objects, folder.name))) {
      if (!file.isFile) throw refused(top, "its objects must be plain files", `${folder.name}/${file.name}`);
    }
  }
  return objects;
}

/** Copies the repository's own configuration, to be listed as data; undefined where it has none. */
export function configurationText({ commonDirectory }: Repository): string | undefined {
  return optionalText(join(commonDirectory, "config"));
}

/**
 * Fills a fresh git directory: the commit, a copy of the index, files to ignore, and no configuration but the given one.
 *
 * @param target An empty folder.
 */
export async function freshGitDirectory(
  repository: Repository,
  commit: string,
  configuration: string,
  target: string,
): Promise<void> {
  const { gitDirectory, commonDirectory } = repository;
  for (const folder of ["refs", "objects", "info"]) await Deno.mkdir(join(target, folder));
  await Deno.writeTextFile(join(target, "HEAD"), `${commit}\n`);
  await Deno.writeTextFile(join(target, "config"), configuration);
  const ignored = optionalText(pathBelow(commonDirectory, "info/exclude"));
  if (ignored !== undefined) await Deno.writeTextFile(join(target, "info", "exclude"), ignored);
  for await (const { name, isFile } of Deno.readDir(gitDirectory)) {
    if (!isFile || !/^(index|sharedindex\.[0-9a-f]+)$/.test(name)) continue;
    await Deno.writeFile(join(target, name), readPlainFile(join(gitDirectory, name), MAX_INDEX));
    // git compares the times of files with that of the index
    using copied = openPlainFile(join(gitDirectory, name));
    await Deno.utime(join(target, name), copied.info.atime, copied.info.mtime);
  }
}
