/** Every place of a command line that takes a path, with paths that nobody should have to think of. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { OddEnd } from "../support/odd_paths.ts";
import { withTempDir } from "../support/plugins.ts";
import { names, ROOT } from "../support/trial.ts";

const PERMISSIONS = ["read", "write", "run", "env", "sys", "ffi"].map((one) => `--allow-${one}`);

Deno.test({
  name:
    "odd paths are right or one clear line, for every command; nothing else is written, replaced or removed",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await withTempDir(async (directory) => {
      const folder = join(directory, "project");
      await Deno.mkdir(join(folder, "shared"), { recursive: true });
      for (const file of ["file", "deno.ts", "shared/thesis.tex"]) {
        await Deno.writeTextFile(join(folder, file), "text");
      }
      assert.ok((await new Deno.Command("mkfifo", { args: [join(folder, "pipe")] }).output()).success);
      await Deno.symlink("nothing", join(folder, "dangling"));
      await Deno.symlink("circle", join(folder, "circle"));
      const before = await names(folder);
      const script = join(ROOT, "tests/support/odd_paths.ts");
      const args = ["run", "--v8-flags=--no-maglev-osr", "--no-prompt", "--config", join(ROOT, "deno.json")];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...args, ...PERMISSIONS, script, folder],
        cwd: folder,
        env: { NO_COLOR: "1", INIT_CWD: folder, BEAMLINE_STATE: join(directory, "state") },
        stdin: "null",
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      const ends = new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
        JSON.parse(line) as OddEnd
      );
      assert.ok(ends.length > 400, `${ends.length}`);
      for (const { command, path, code, lines } of ends) {
        const what = `${command}, where PATH is ${path}: ${code} ${lines.join("\n")}`;
        assert.ok([0, 1, 2, 5].includes(code), what);
        assert.doesNotMatch(lines.join("\n"), /Beamline itself|^\s+at /m, what);
        assert.ok(!lines.join("\n").includes("\u001b"), what);
        if (code === 2) assert.match(lines.join("\n"), /^error: Cannot |^left out/m, what);
        assert.ok(lines.every((line) => line.length < 20_000), what);
      }
      const kinds = await Promise.all(
        ["file", "deno.ts", "shared/thesis.tex"].map((name) => Deno.readTextFile(join(folder, name))),
      );
      assert.deepEqual(kinds, ["text", "text", "text"]);
      assert.ok((await Deno.lstat(join(folder, "pipe"))).isFifo);
      assert.ok((await Deno.lstat("/dev/null")).isCharDevice);
      assert.deepEqual(
        before.filter((name) => !["shared"].includes(name)),
        (await names(folder)).filter((name) => before.includes(name) && name !== "shared"),
      );
    });
  },
});
