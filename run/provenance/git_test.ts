import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../../tests/support/plugins.ts";
import { exists } from "../../files/atomic.ts";
import { checkoutState } from "./git.ts";

async function git(directory: string, ...args: string[]): Promise<void> {
  const identity = ["-c", "user.name=A. Physicist", "-c", "user.email=a@example.org"];
  const { success, stderr } = await new Deno.Command("git", { args: ["-C", directory, ...identity, ...args] })
    .output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** A checkout with one commit, one change and one file that git does not know. */
async function checkout(directory: string): Promise<void> {
  await git(directory, "init", "-q");
  await Deno.writeTextFile(join(directory, "mod.ts"), "const a = 1;\n");
  await git(directory, "add", ".");
  await git(directory, "commit", "-q", "-m", "Begin");
  await Deno.writeTextFile(join(directory, "mod.ts"), "const a = 2;\n");
  await Deno.writeTextFile(join(directory, "new file.ts"), "");
}

Deno.test("checkoutState() gives commit, difference and untracked files", async () => {
  await withTempDir(async (directory) => {
    await checkout(directory);
    const state = await checkoutState(directory);
    assert.ok(state.checkout);
    assert.match(state.commit!, /^[0-9a-f]{40}$/);
    assert.equal(state.dirty, true);
    assert.deepEqual(state.untracked, ["new file.ts"]);
    assert.match(state.diff, /-const a = 1;\n\+const a = 2;/);
  });
});

Deno.test("checkoutState() says so outside of a checkout", async () => {
  await withTempDir(async (directory) => {
    assert.deepEqual(await checkoutState(directory), { checkout: false, diff: "" });
  });
});

/** A stranger's plugin: a checkout in a folder, and a command that leaves a proof if anybody runs it. */
async function withStranger(
  test: (folder: string, touch: string, outside: string) => Promise<void>,
): Promise<void> {
  await withTempDir(async (directory) => {
    const [folder, proof] = [join(directory, "plugin"), join(directory, "proof")];
    await Deno.mkdir(folder);
    await checkout(folder);
    await test(folder, `touch ${proof}`, directory);
    await checkoutState(folder);
    assert.equal(await exists(proof), false);
  });
}

async function configure(folder: string, text: string): Promise<void> {
  const path = join(folder, ".git", "config");
  await Deno.writeTextFile(path, `${await Deno.readTextFile(path)}${text}`);
}

Deno.test("checkoutState() runs nothing that the checkout's configuration names", () =>
  withStranger(async (folder, touch) => {
    for (
      const name of [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.hooksPath",
      ]
    ) {
      await git(folder, "config", name, touch);
    }
    for (
      const name of [
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "gpg.program",
        "alias.status",
      ]
    ) {
      await git(folder, "config", name, `!${touch}`);
    }
    for (const kind of ["clean", "smudge", "process"]) {
      for (const filter of ["Evil.x", "a=b", "c d", "\u00e9"]) {
        await git(folder, "config", `filter.${filter}.${kind}`, touch);
      }
    }
    await configure(folder, `[include]\n\tpath = ../more\n`);
    await Deno.writeTextFile(join(folder, "more"), `[filter "more"]\n\tclean = ${touch}\n`);
    for (const filter of ["Evil.x", "a=b", "more", "\u00e9"]) {
      await Deno.writeTextFile(join(folder, ".gitattributes"), `*.ts filter=${filter} diff=evil\n`);
      await Deno.writeTextFile(join(folder, "mod.ts"), `const a = "${filter}";\n`);
      const state = await checkoutState(folder);
      assert.ok(state.checkout);
      assert.match(state.diff, /\+const a = "/);
    }
  }));

Deno.test("checkoutState() runs no filter whose name is not UTF-8", () =>
  withStranger(async (folder, touch) => {
    const bytes = new TextEncoder().encode(`[filter "?"]\n\tclean = "${touch}; cat"\n`);
    bytes[9] = 0xff;
    await Deno.writeFile(join(folder, ".git", "config"), bytes, { append: true });
    await Deno.writeFile(
      join(folder, ".gitattributes"),
      Uint8Array.from([42, 32, ...new TextEncoder().encode("filter="), 0xff, 10]),
    );
    const state = await checkoutState(folder);
    assert.ok(state.checkout && state.dirty);
  }));

Deno.test("checkoutState() fetches nothing for a partial clone", () =>
  withStranger(async (folder, touch) => {
    await configure(
      folder,
      `[remote "origin"]\n\turl = ext::sh -c "${touch}"\n\tpromisor = true\n\tuploadpack = ${touch}\n` +
        `[extensions]\n\tpartialClone = origin\n[protocol "ext"]\n\tallow = always\n`,
    );
    const objects = join(folder, ".git", "objects");
    for await (const { name } of Deno.readDir(objects)) {
      if (name.length === 2) await Deno.remove(join(objects, name), { recursive: true });
    }
    const state = await checkoutState(folder);
    assert.ok(state.checkout);
    assert.deepEqual([state.dirty, state.diff], [true, ""]);
    assert.match(state.unread!, /^Cannot read the git repository of ".*" as git must read it: it failed$/);
  }));

/** Another repository of the user, which no folder that was sent may show. */
async function secretRepository(directory: string): Promise<string> {
  const secret = join(directory, "secret");
  await Deno.mkdir(secret);
  await checkout(secret);
  await Deno.writeTextFile(join(secret, "key"), "PRIVATE\n");
  await git(secret, "add", ".");
  await git(secret, "commit", "-q", "-m", "Key");
  return secret;
}

/** Ways to pass another repository or another folder off as one's own, and why each is refused. */
const BORROWED: {
  readonly [way: string]: readonly [(folder: string, secret: string) => Promise<void>, RegExp];
} = {
  "a work tree elsewhere": [
    (folder, secret) => configure(folder, `[core]\n\tworktree = ${secret}\n`),
    /its work tree must be the folder that holds \.git/,
  ],
  "a .git that is a link": [async (folder, secret) => {
    await Deno.remove(join(folder, ".git"), { recursive: true });
    await Deno.symlink(join(secret, ".git"), join(folder, ".git"));
  }, /must not be a link/],
  "a .git file": [async (folder, secret) => {
    await Deno.remove(join(folder, ".git"), { recursive: true });
    await Deno.writeTextFile(join(folder, ".git"), `gitdir: ${secret}/.git\n`);
  }, /its work tree must be the folder that holds \.git: found none/],
  "a .git folder with a commondir": [async (folder, secret) => {
    const inner = join(folder, ".git", "worktrees", "x");
    await Deno.mkdir(inner, { recursive: true });
    await Deno.writeTextFile(join(inner, "HEAD"), "ref: refs/heads/main\n");
    await Deno.writeTextFile(join(inner, "commondir"), `${secret}/.git\n`);
    await Deno.writeTextFile(join(inner, "gitdir"), `${folder}/.git\n`);
    await Deno.rename(join(folder, ".git"), join(folder, "dot"));
    await Deno.writeTextFile(join(folder, ".git"), `gitdir: dot/worktrees/x\n`);
  }, /must know this work tree/],
  "objects that are a link": [async (folder, secret) => {
    await Deno.remove(join(folder, ".git", "objects"), { recursive: true });
    await Deno.symlink(join(secret, ".git", "objects"), join(folder, ".git", "objects"));
  }, /its objects must be a folder/],
  "objects that are borrowed": [
    (folder, secret) =>
      Deno.writeTextFile(join(folder, ".git", "objects", "info", "alternates"), `${secret}/.git/objects\n`),
    /all its objects must lie in it/,
  ],
  "an object that is a link": [async (folder) => {
    await Deno.mkdir(join(folder, ".git", "objects", "zz"));
    await Deno.symlink("/etc/passwd", join(folder, ".git", "objects", "zz", "0"));
  }, /its objects must be plain files/],
  "an object that is a pipe": [async (folder) => {
    await Deno.mkdir(join(folder, ".git", "objects", "zz"));
    await new Deno.Command("mkfifo", { args: [join(folder, ".git", "objects", "zz", "0")] }).output();
  }, /its objects must be plain files/],
  "a HEAD that is a link": [async (folder, secret) => {
    await Deno.remove(join(folder, ".git", "index"));
    await Deno.symlink(join(secret, ".git", "index"), join(folder, ".git", "index"));
    await Deno.rename(join(folder, ".git", "config"), join(folder, ".git", "old"));
    await Deno.symlink(join(secret, ".git", "config"), join(folder, ".git", "config"));
  }, /must be a plain file: found a symbolic link/],
};

for (const [way, [make, reason]] of Object.entries(BORROWED)) {
  Deno.test(`checkoutState() shows nothing of another repository: ${way}`, () =>
    withStranger(async (folder, _touch, directory) => {
      const secret = await secretRepository(directory);
      const head = await Deno.readTextFile(join(secret, ".git", "HEAD"));
      await make(folder, secret);
      await Deno.writeTextFile(join(folder, "HEAD"), head);
      const state = await checkoutState(folder);
      assert.ok(state.checkout);
      assert.doesNotMatch(JSON.stringify(state), /PRIVATE/);
      assert.deepEqual([state.diff, state.dirty], ["", true]);
      assert.match(state.unread!, reason);
    }));
}

Deno.test("checkoutState() is in a linked work tree and in a submodule as in the repository", async () => {
  await withTempDir(async (directory) => {
    const main = join(directory, "main");
    await Deno.mkdir(main);
    await checkout(main);
    const commit = (state: Awaited<ReturnType<typeof checkoutState>>) =>
      state.checkout && [state.commit, state.unread];
    await git(main, "worktree", "add", "-q", join(directory, "linked"));
    const linked = await checkoutState(join(directory, "linked"));
    assert.deepEqual(commit(linked), commit(await checkoutState(main)));
    assert.ok(linked.checkout && !linked.dirty);
    const outer = join(directory, "outer");
    await Deno.mkdir(outer);
    await checkout(outer);
    await git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", main, "sub");
    assert.deepEqual(commit(await checkoutState(join(outer, "sub"))), commit(linked));
  });
});

Deno.test("checkoutState() finds the repository above, packed references and a commit that is checked out", async () => {
  await withTempDir(async (directory) => {
    await checkout(directory);
    const plugin = join(directory, "plugins", "mine");
    await Deno.mkdir(plugin, { recursive: true });
    const before = await checkoutState(plugin);
    assert.ok(before.checkout && before.commit !== null && before.diff !== "");
    await git(directory, "pack-refs", "--all");
    await git(directory, "gc", "-q");
    assert.deepEqual(await checkoutState(plugin), before);
    await git(directory, "checkout", "-q", "--detach");
    assert.deepEqual(await checkoutState(plugin), before);
  });
});

Deno.test("checkoutState() takes line ends as the user set them", async () => {
  await withTempDir(async (directory) => {
    await git(directory, "init", "-q");
    await git(directory, "config", "core.autocrlf", "true");
    await Deno.writeTextFile(join(directory, "a.txt"), "one\r\ntwo\r\n");
    await git(directory, "add", ".");
    await git(directory, "commit", "-q", "-m", "Begin");
    await Deno.utime(join(directory, "a.txt"), new Date(0), new Date(0));
    const state = await checkoutState(directory);
    assert.ok(state.checkout && !state.dirty && state.unread === undefined, JSON.stringify(state));
  });
});

Deno.test("checkoutState() says when there is no commit yet", async () => {
  await withTempDir(async (directory) => {
    await git(directory, "init", "-q");
    await Deno.writeTextFile(join(directory, "a"), "");
    const state = await checkoutState(directory);
    assert.ok(state.checkout);
    assert.deepEqual([state.commit, state.untracked, state.unread], [null, ["a"], undefined]);
  });
});
