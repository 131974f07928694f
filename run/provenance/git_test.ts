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

Deno.test("checkoutState() runs nothing that the checkout's configuration names", async () => {
  await withTempDir(async (directory) => {
    const [folder, proof] = [join(directory, "plugin"), join(directory, "proof")];
    await Deno.mkdir(folder);
    await checkout(folder);
    const touch = `touch ${proof}`;
    for (const name of ["core.fsmonitor", "diff.external", "diff.evil.command", "diff.evil.textconv"]) {
      await git(folder, "config", name, touch);
    }
    for (const kind of ["clean", "smudge", "process"]) {
      await git(folder, "config", `filter.Evil.x.${kind}`, touch);
    }
    await git(folder, "config", "filter.required.required", "true");
    await Deno.writeTextFile(join(folder, ".gitattributes"), "*.ts filter=Evil.x diff=evil\n");
    const state = await checkoutState(folder);
    assert.equal(await exists(proof), false);
    assert.ok(state.checkout);
    assert.match(state.diff, /\+const a = 2;/);
  });
});
