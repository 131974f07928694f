/**
 * What the host monitors while a hook runs: how much a sandbox has written, whether it left links, how much
 * memory it has.
 *
 * @module
 */
import { PluginError } from "../../core/errors.ts";
import { join } from "../../files/paths.ts";
import type { SandboxLimits } from "../protocol/limits.ts";

/** Files of a sandbox. */
export interface SandboxFolders {
  /** Where the sandbox writes; links are refused in it. */
  readonly sharedDirectory?: string | undefined;
  /** Deno's cache of the sandbox; counted only. */
  readonly denoDir?: string | undefined;
}

/**
 * Counts the files of a sandbox and looks for links that it left.
 *
 * @throws {PluginError} If there are more or larger files than the limits allow, or a link.
 */
export async function surveyFolders(
  folders: SandboxFolders,
  limits: SandboxLimits,
  plugin: string,
  hook: string,
): Promise<void> {
  let [bytes, files] = [0, 0];
  const refuse = (rule: string, found: string): never => {
    throw new PluginError(`Cannot continue as ${rule}: ${found}`, plugin, hook);
  };
  const look = async (root: string, isSharedDirectory: boolean): Promise<void> => {
    for await (const { path, info } of entriesBelow(root)) {
      files++;
      bytes += info.isDirectory ? 0 : info.size;
      if (files > limits.diskFiles) {
        refuse(`a sandbox may leave at most ${limits.diskFiles} files`, "there are more");
      }
      if (bytes > limits.diskBytes) {
        refuse(
          `a sandbox may write at most ${limits.diskBytes} bytes`,
          `its files have ${bytes} and more`,
        );
      }
      if (isSharedDirectory && info.size > limits.textBytes && /\.(json|svg)$/.test(path)) {
        refuse(
          `a text of a sandbox may have at most ${limits.textBytes} bytes`,
          `"${path.slice(root.length + 1)}"`,
        );
      }
      if (!isSharedDirectory || info.isDirectory || (info.isFile && (info.nlink ?? 1) <= 1)) continue;
      const kind = info.isSymlink
        ? "a symbolic link"
        : info.isFile
        ? "a hard link"
        : "a device, pipe or socket";
      refuse("the shared directory may hold plain files only", `"${path.slice(root.length + 1)}" is ${kind}`);
    }
  };
  try {
    if (folders.sharedDirectory !== undefined) await look(folders.sharedDirectory, true);
    if (folders.denoDir !== undefined) await look(folders.denoDir, false);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    refuse("a sandbox must leave its folders open", "one of them may not be read");
  }
}

/**
 * Checks how much the arrays of a call are that the host is about to take; what it then reads is checked once more.
 *
 * @throws {PluginError} As {@linkcode surveyFolders}.
 */
export async function surveyCall(
  folder: string,
  limits: SandboxLimits,
  plugin: string,
  hook: string,
): Promise<void> {
  const info = await unlessGone(() => Deno.lstat(folder));
  if (!info) return;
  if (info.isDirectory) return await surveyFolders({ sharedDirectory: folder }, limits, plugin, hook);
  throw new PluginError(
    `Cannot continue as the arrays of a call must be in a folder: "${folder.split("/").at(-1)}" is none`,
    plugin,
    hook,
  );
}

interface Entry {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

/** Everything below a folder, which may change meanwhile; links are not followed. */
async function* entriesBelow(folder: string): AsyncGenerator<Entry> {
  const open = [folder];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    for (const name of await namesIn(path)) {
      const child = join(path, name);
      const info = await unlessGone(() => Deno.lstat(child));
      if (!info) continue;
      if (info.isDirectory) open.push(child);
      yield { path: child, info };
    }
  }
}

async function namesIn(path: string): Promise<string[]> {
  const names: string[] = [];
  await unlessGone(async () => {
    for await (const { name } of Deno.readDir(path)) names.push(name);
  });
  return names;
}

async function unlessGone<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

/**
 * Bytes of memory of a process and all that descend from it; undefined where the system does not report it.
 * For machines without `prlimit`.
 */
export async function memoryOfTree(root: number): Promise<number | undefined> {
  try {
    const { stdout } = await new Deno.Command("ps", {
      args: ["-A", "-o", "pid=", "-o", "ppid=", "-o", "rss="],
      stdout: "piped",
      stderr: "null",
    }).output();
    const rows = new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
      line.trim().split(/\s+/).map(Number)
    );
    const family = new Set([root]);
    // a parent may come after its child in the list: as many rounds as there are generations
    for (let before = 0; before < family.size;) {
      before = family.size;
      for (const [pid, parent] of rows) if (family.has(parent!)) family.add(pid!);
    }
    return rows.reduce((sum, [pid, , kibibytes]) => family.has(pid!) ? sum + kibibytes! * 1024 : sum, 0);
  } catch {
    return undefined;
  }
}
