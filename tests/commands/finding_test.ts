/** Where a user stands, and how runs are found again: names, tags, filters, what to type next. */
import assert from "node:assert/strict";
import { dirname, join, relative, resolve } from "node:path";
import { withTempDir } from "../support/plugins.ts";
import { type Outcome, places, ROOT, writeTrial } from "../support/trial.ts";

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The environment of a shell that has Deno and where no command was started before. */
function shellEnvironment(): { [name: string]: string } {
  const { INIT_CWD: _started, ...env } = Deno.env.toObject();
  return { ...env, NO_COLOR: "1", PATH: `${dirname(Deno.execPath())}:${env.PATH}` };
}

/** What a user types in a folder. */
async function typed(folder: string, command: string): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", command],
    cwd: folder,
    clearEnv: true,
    env: shellEnvironment(),
    stdin: "null",
  }).output();
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** The commands that a run offers as the next ones. */
const nextCommands = (text: string): string[] =>
  [...text.matchAll(/^next: +(.*)$/gm)].map(([, next]) => next!);

Deno.test("relative paths are taken from where the user stands, and what is printed to type next works there", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { cache } = places(directory);
    await Deno.mkdir(join(directory, "my runs"));
    await Deno.writeTextFile(join(directory, "new.json"), "[1, 2]");
    const folders = [
      { folder: join(ROOT, "docs"), start: "deno task" },
      { folder: directory, start: `deno task --config ${join(ROOT, "deno.json")}` },
    ];
    for (const { folder, start } of folders) {
      const from = (path: string): string => `'${relative(folder, path)}'`;
      const flags = `--out ${from(join(directory, "my runs"))} --cache ${from(cache)}`;
      const first = await typed(
        folder,
        `${start.replace("task", "task -q")} run ./${relative(folder, plugin)} ${flags}`,
      );
      assert.equal(first.code, 0, first.stderr);
      const shown = /^run {5}(.*?) {2}\(/m.exec(first.stdout)![1]!;
      assert.equal((await Deno.stat(resolve(folder, shown, "run.json"))).isFile, true);
      const [report, predict, ...more] = nextCommands(first.stderr);
      assert.deepEqual(more, []);
      assert.equal((await typed(folder, report!)).code, 0);
      const data = predict!.replace("PATH", from(join(directory, "new.json")));
      const predicted = await typed(folder, data);
      assert.equal(predicted.code, 0, predicted.stderr);
      const wrote = /^wrote {2}(.*)$/m.exec(predicted.stdout)![1]!;
      assert.equal((await Deno.stat(resolve(folder, wrote))).isFile, true);
    }
    assert.equal((await Array.fromAsync(Deno.readDir(join(directory, "my runs", "trial")))).length, 2);
  });
});
