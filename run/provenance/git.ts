/**
 * The state of a checkout: commit, changes, files that git does not know. The folder can be a stranger's, so nothing that
 * its own git configuration names is run.
 *
 * @module
 */

/** What is recorded of a checkout. */
export type CheckoutState =
  | { readonly checkout: false; readonly diff: "" }
  | {
    readonly checkout: true;
    readonly commit: string | null;
    /** `user.name`, as in the commits that are made here. */
    readonly user?: string;
    readonly dirty: boolean;
    /** Relative to the top of the checkout. */
    readonly untracked: readonly string[];
    /** Bytes of the whole difference to the commit. */
    readonly diffBytes: number;
    /** The difference; cut off where it is very long. */
    readonly diff: string;
  };

/** Longest difference that is kept. */
const MAX_DIFF = 20_000_000;

/** The state of the checkout that holds a folder; without git, or outside of a checkout, there is none. */
export async function checkoutState(directory: string): Promise<CheckoutState> {
  const git = await safeGit(directory);
  const top = await git(["rev-parse", "--show-toplevel"]);
  if (top === undefined) return { checkout: false, diff: "" };
  const commit = await git(["rev-parse", "--verify", "HEAD"]);
  const status = await git(["status", "--porcelain", "-z", "--ignore-submodules=all"]) ?? "";
  const diff = commit === undefined ? "" : await git(DIFF) ?? "";
  const user = (await git(["config", "user.name"]))?.trim();
  const entries = status.split("\0").filter((entry) => entry !== "");
  return {
    checkout: true,
    commit: commit?.trim() ?? null,
    ...(user ? { user } : {}),
    dirty: entries.length > 0,
    untracked: entries.filter((entry) => entry.startsWith("?? ")).map((entry) => entry.slice(3)),
    diffBytes: new TextEncoder().encode(diff).length,
    diff: diff.slice(0, MAX_DIFF),
  };
}

const DIFF = ["diff", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--no-color", "HEAD"];

type Git = (args: readonly string[]) => Promise<string | undefined>;

/** Settings of a checkout that name programs for git to run. */
const PROGRAMS = /^(core\.fsmonitor|filter\..*\.(clean|smudge|process))$/i;

/** Git for a folder, with every program that the checkout's own configuration names switched off. */
async function safeGit(directory: string): Promise<Git> {
  const plain = ["-C", directory, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];
  const local = await git([...plain, "config", "--local", "--includes", "--name-only", "-z", "--list"]) ?? "";
  const worktree =
    await git([...plain, "config", "--worktree", "--includes", "--name-only", "-z", "--list"]) ?? "";
  const named = [...new Set(`${local}${worktree}`.split("\0").filter((name) => PROGRAMS.test(name)))];
  const off = named.flatMap((name) => ["-c", name === "core.fsmonitor" ? `${name}=false` : `${name}=`]);
  return (args) => git([...plain, ...off, ...args]);
}

async function git(args: readonly string[]): Promise<string | undefined> {
  try {
    const output = await new Deno.Command("git", { args: [...args], stdout: "piped", stderr: "null" })
      .output();
    return output.success ? new TextDecoder().decode(output.stdout) : undefined;
  } catch {
    return undefined; // git is not installed
  }
}
