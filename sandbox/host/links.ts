/**
 * Links defeat permissions that are checked by path: a symbolic link can lead out of a granted folder, a hard link can
 * be a file from anywhere. Both are looked for before a folder is granted.
 *
 * @module
 */
import { DataError } from "../../core/errors.ts";
import { dirname, join, resolve } from "../../files/paths.ts";

/** What is looked for. */
export interface LinkRules {
  /** Paths that may be reached; a symbolic link may point into them. */
  readonly granted: readonly string[];
  /**
   * Whether a file may have a second name. In data folders it may; in plugin folders it may not, except in
   * `node_modules` and `.git`.
   */
  readonly allowHardLinks: boolean;
  /** How a user grants a path, for the message. */
  readonly remedy: string;
}

/**
 * Walks a granted path and refuses links that lead out of the grants.
 *
 * @throws {DataError} Naming the link, its target, and what would grant it.
 */
export async function checkLinks(path: string, rules: LinkRules): Promise<void> {
  for await (const link of links(path, rules.allowHardLinks)) {
    if (link.target === undefined) {
      throw new DataError(
        `Cannot grant "${path}" as files in it must not have a second name: "${link.path}" is a hard link; copy it in its place`,
        link.path,
      );
    }
    if (!rules.granted.some((granted) => isBelow(link.target!, granted))) {
      throw new DataError(
        `Cannot grant "${path}" as links must not lead out of what is granted: "${link.path}" points to "${link.target}"; ${rules.remedy}`,
        link.path,
      );
    }
  }
}

interface FoundLink {
  readonly path: string;
  /** Where a symbolic link leads in the end; undefined for a hard link. */
  readonly target?: string;
}

async function* links(path: string, allowHardLinks: boolean): AsyncGenerator<FoundLink> {
  const info = await Deno.lstat(path);
  if (info.isSymlink) {
    yield { path, target: await finalTarget(path) };
    return;
  }
  if (info.isFile && !allowHardLinks && (info.nlink ?? 1) > 1) yield { path };
  if (!info.isDirectory) return;
  for await (const entry of Deno.readDir(path)) {
    // package managers and local clones share files by hard links
    const mayShare = allowHardLinks || entry.name === ".git" || entry.name === "node_modules";
    if (entry.isSymlink || entry.isDirectory || !mayShare) yield* links(join(path, entry.name), mayShare);
  }
}

/** Where a link leads; a dangling one leads where it says. */
async function finalTarget(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch {
    return resolve(dirname(path), await Deno.readLink(path));
  }
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : folder + "/");
}
