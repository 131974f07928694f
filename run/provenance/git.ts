/**
 * The state of a checkout: commit, changes, files that git does not know. The folder can be a stranger's, so git is run
 * with a git directory of ours over the objects that are there ({@link ./repository.ts}): nothing that the folder's own
 * configuration or attributes name is run, and nothing is fetched.
 *
 * @module
 */
import { DataError } from "../../core/errors.ts";
import { join } from "../../files/paths.ts";
import {
  checkWorkTree,
  configurationText,
  findRepository,
  freshGitDirectory,
  headCommit,
  ownObjects,
  type Repository,
} from "./repository.ts";

/** What is recorded of a checkout. */
export type CheckoutState =
  | { readonly checkout: false; readonly diff: "" }
  | {
    readonly checkout: true;
    readonly commit: string | null;
    /** `user.name`, as in the commits that are made here. */
    readonly user?: string;
    /** Whether files differ from the commit, or git does not know some; true where that cannot be told. */
    readonly dirty: boolean;
    /** Relative to the top of the checkout. */
    readonly untracked: readonly string[];
    /** Bytes of the whole difference to the commit. */
    readonly diffBytes: number;
    /** The difference; cut off where it is very long. */
    readonly diff: string;
    /** Why changes could not be told. */
    readonly unread?: string;
  };

/** Longest difference that is kept. */
const MAX_DIFF = 20_000_000;
/** A command that prints more is ended. */
const MAX_OUTPUT = 2 ** 30;
/** A command that takes longer is ended: a folder can hold a file of a terabyte. */
const MAX_MILLISECONDS = 30_000;

/** The state of the checkout that holds a folder; without git, or outside of a checkout, there is none. */
export async function checkoutState(directory: string): Promise<CheckoutState> {
  if (await git(["--version"]) === undefined) return { checkout: false, diff: "" };
  let repository: Repository | undefined;
  try {
    repository = await findRepository(directory);
  } catch (error) {
    return unread(null, {}, error);
  }
  if (repository === undefined) return { checkout: false, diff: "" };
  const aside = await Deno.makeTempDir({ prefix: "beamline-git-" });
  try {
    return await stateOf(repository, aside);
  } finally {
    await Deno.remove(aside, { recursive: true });
  }
}

/** What is known of a checkout whose changes cannot be told. */
function unread(commit: string | null, user: { readonly user?: string }, cause: unknown): CheckoutState {
  const { message } = cause as Error;
  return {
    checkout: true,
    commit,
    ...user,
    dirty: true,
    untracked: [],
    diffBytes: 0,
    diff: "",
    unread: message,
  };
}

async function stateOf(repository: Repository, aside: string): Promise<CheckoutState> {
  let commit: string | null = null;
  let user: { readonly user?: string } = {};
  try {
    const [own, users] = await Promise.all([repositorySettings(repository, aside), usersSettings()]);
    const name = own.get("user.name") ?? users.get("user.name");
    user = name === undefined ? {} : { user: name };
    await checkWorkTree(repository, own.get("core.worktree"));
    commit = headCommit(repository) ?? null;
    const objects = await ownObjects(repository);
    const gitDirectory = join(aside, "git");
    await Deno.mkdir(gitDirectory);
    await freshGitDirectory(repository, commit ?? UNBORN, configurationOf(own, users), gitDirectory);
    const places = { GIT_DIR: gitDirectory, GIT_WORK_TREE: repository.top, GIT_OBJECT_DIRECTORY: objects };
    const ignored = await usersIgnoreFile(users);
    const prefix = ["-C", repository.top, ...ignored];
    const [status, diff] = await Promise.all([
      git([...prefix, ...STATUS], places),
      commit === null ? { text: "", bytes: 0 } : git([...prefix, ...DIFF], places),
    ]);
    if (!status || !diff) {
      throw new DataError(
        `Cannot read the git repository of "${repository.top}" as git must read it: it failed`,
      );
    }
    const entries = status.text.split("\0").filter((entry) => entry !== "");
    return {
      checkout: true,
      commit,
      ...user,
      dirty: entries.length > 0,
      untracked: entries.filter((entry) => entry.startsWith("?? ")).map((entry) => entry.slice(3)),
      diffBytes: diff.bytes,
      diff: diff.text.slice(0, MAX_DIFF),
    };
  } catch (error) {
    return unread(commit, user, error);
  }
}

/** What HEAD holds before the first commit. */
const UNBORN = "ref: refs/heads/main";

const STATUS = ["status", "--porcelain", "-z", "--ignore-submodules=all"];
const DIFF = ["diff", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--no-color", "HEAD"];

type Settings = ReadonlyMap<string, string>;

/** The settings that a repository brings, read as data: includes are not followed. */
async function repositorySettings(repository: Repository, aside: string): Promise<Settings> {
  const text = configurationText(repository);
  if (text === undefined) return new Map();
  const copy = join(aside, "settings");
  await Deno.writeTextFile(copy, text);
  return settingsIn(await git(["config", "--file", copy, "--no-includes", "--null", "--list"]));
}

/** The settings of the user and the system; read in the root, where there is no repository. */
async function usersSettings(): Promise<Settings> {
  const environment = Deno.env.toObject();
  for (const name of Object.keys(environment)) if (name.startsWith("GIT_")) delete environment[name];
  return settingsIn(await git(["-C", "/", "config", "--includes", "--null", "--list"], environment));
}

function settingsIn(output: Output | undefined): Settings {
  const entries = (output?.text ?? "").split("\0").filter((entry) => entry.includes("\n"));
  return new Map(entries.map((entry) => {
    const at = entry.indexOf("\n");
    return [entry.slice(0, at), entry.slice(at + 1)];
  }));
}

/** Settings that decide which bytes count as changed, and are words. Those of the repository go before the user's. */
const COPIED =
  /^(core\.(autocrlf|eol|filemode|ignorecase|symlinks|precomposeunicode)|extensions\.objectformat)$/;

function configurationOf(own: Settings, users: Settings): string {
  const lines = ["[core]", "\tbare = false", "\tcommitGraph = false"];
  const format = own.has("extensions.objectformat") ? 1 : 0;
  lines.push(`\trepositoryformatversion = ${format}`);
  for (const [name, value] of new Map([...users, ...own])) {
    if (!COPIED.test(name) || !/^[A-Za-z0-9]{1,20}$/.test(value)) continue;
    const [section, key] = name.split(".");
    lines.push(`[${section}]`, `\t${key} = ${value}`);
  }
  return lines.join("\n") + "\n";
}

/** Arguments for the user's own file of what to ignore everywhere. */
async function usersIgnoreFile(users: Settings): Promise<string[]> {
  const home = Deno.env.get("HOME") ?? "/";
  const usual = join(Deno.env.get("XDG_CONFIG_HOME") || join(home, ".config"), "git", "ignore");
  const path = (users.get("core.excludesfile") ?? usual).replace(/^~\//, `${home}/`);
  const isThere = await Deno.stat(path).then(({ isFile }) => isFile, () => false);
  return ["-c", `core.excludesFile=${isThere ? path : "/dev/null"}`, "-c", "core.attributesFile=/dev/null"];
}

/** What a command printed, as text, cut off at {@linkcode MAX_DIFF} bytes, and how many bytes it was. */
interface Output {
  readonly text: string;
  readonly bytes: number;
}

/** No configuration of user or system, no questions, nothing fetched, nothing written beside the git directory. */
const SEALED = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_LAZY_FETCH: "1",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_ALLOW_PROTOCOL: "none",
  GIT_OPTIONAL_LOCKS: "0",
  LC_ALL: "C",
};

/** Runs git; undefined if it is not installed, failed, took too long or printed too much. */
async function git(
  args: readonly string[],
  environment: { readonly [name: string]: string } = {},
): Promise<Output | undefined> {
  const path = { PATH: Deno.env.get("PATH") ?? "" };
  const sealed = "HOME" in environment
    ? {}
    : { ...SEALED, HOME: "/nonexistent", XDG_CONFIG_HOME: "/nonexistent" };
  try {
    const child = new Deno.Command("git", {
      args: [...args],
      clearEnv: true,
      env: { ...path, ...sealed, ...environment },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const timer = setTimeout(() => endProcess(child), MAX_MILLISECONDS);
    const output = await collect(child);
    clearTimeout(timer);
    return (await child.status).success ? output : undefined;
  } catch {
    return undefined; // git is not installed
  }
}

async function collect(child: Deno.ChildProcess): Promise<Output> {
  const kept: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of child.stdout) {
    if (bytes < MAX_DIFF) kept.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_OUTPUT) endProcess(child);
  }
  return { text: await new Blob(kept).text(), bytes };
}

function endProcess(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // it has ended
  }
}
