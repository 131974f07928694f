/** Folders of plugins as a stranger may pack them: each command gives the right result, or one clear line, and never waits. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { info } from "../../tasks/info.ts";
import { list } from "../../tasks/list.ts";
import { run } from "../../tasks/run.ts";
import { exitCodeOf } from "../../tasks/terminal/exit_codes.ts";
import { errorLines } from "../../tasks/terminal/main.ts";
import { tell } from "../../tasks/terminal/print.ts";
import { trust } from "../../tasks/trust.ts";
import { withTempDir, writePlugin } from "../support/plugins.ts";
import { printed } from "../support/printed.ts";
import { taskArguments } from "../support/killing.ts";

/** How a folder is packed, given its path, and what every command says of it; undefined where it is good. */
interface Packed {
  readonly name: string;
  readonly pack: (folder: string) => Promise<unknown>;
  readonly refusal?: RegExp;
  /** `trust` pins what may be refused when it runs. */
  readonly isPinned?: boolean;
  /** The plugin's code; by default its `evaluate` does nothing. */
  readonly head?: string;
}

const command = (program: string, ...args: string[]): Promise<unknown> =>
  new Deno.Command(program, { args }).output().then(({ success }) => assert.ok(success, program));

const sparse = (path: string): Promise<unknown> => command("truncate", "-s", "1T", path);

/** Gives the manifest further fields. */
async function ask(folder: string, fields: { readonly [key: string]: unknown }): Promise<void> {
  const manifest = { name: "trial", title: "A trial", ...fields };
  await Deno.writeTextFile(join(folder, "deno.json"), JSON.stringify({ beamline: manifest }));
}

/** Makes files of names that JavaScript cannot say, by a script of bash. */
const script = (text: string) => (folder: string): Promise<unknown> =>
  new Deno.Command("bash", { args: ["-c", text], cwd: folder }).output()
    .then(({ success }) => assert.ok(success, text));

const limits = (fields: { readonly [key: string]: unknown }) => (folder: string) =>
  ask(folder, { limits: fields });

const reads = (path: string) => (folder: string) => ask(folder, { permissions: { read: [path] } });

const PACKED: readonly Packed[] = [
  {
    name: "a link to a folder inside",
    pack: async (folder) => {
      await Deno.mkdir(join(folder, "data"));
      await Deno.symlink("data", join(folder, "latest"));
    },
  },
  { name: "a link to nothing", pack: (folder) => Deno.symlink("nothing", join(folder, "latest")) },
  { name: "a link in a circle", pack: (folder) => Deno.symlink("circle.ts", join(folder, "circle.ts")) },
  { name: "a link to its own folder", pack: (folder) => Deno.symlink(".", join(folder, "self")) },
  {
    name: "packages laid out as links",
    pack: async (folder) => {
      await Deno.mkdir(join(folder, "node_modules/.deno/pkg"), { recursive: true });
      await Deno.writeTextFile(join(folder, "node_modules/.deno/pkg/index.js"), "export const one = 1;");
      await Deno.symlink(".deno/pkg", join(folder, "node_modules/pkg"));
    },
  },
  {
    name: "a link out of it",
    pack: (folder) => Deno.symlink("/etc", join(folder, "etc")),
    refusal: /links must not lead out of what is granted: ".*etc" points to "\/etc"/,
    isPinned: true,
  },
  {
    name: "a pipe without an ending",
    pack: (folder) => command("mkfifo", join(folder, "tool")),
    refusal: /"tool" is a pipe, device or socket$/,
  },
  {
    name: "a pipe in place of the entry",
    pack: async (folder) => {
      await Deno.remove(join(folder, "mod.ts"));
      await command("mkfifo", join(folder, "mod.ts"));
    },
    refusal: /"mod.ts" is a pipe, device or socket$/,
  },
  {
    name: "a pipe in place of its lock file",
    pack: (folder) => command("mkfifo", join(folder, "deno.lock")),
    refusal: /"deno.lock" is a pipe, device or socket$/,
  },
  {
    name: "a terabyte of JSON",
    pack: (folder) => sparse(join(folder, "weights.json")),
    refusal: /weights.json" as a file that a plugin brings may have at most 17179869184 bytes/,
  },
  {
    name: "a terabyte of data",
    pack: (folder) => sparse(join(folder, "events.h5")),
    refusal: /events.h5" as a file that a plugin brings may have at most 17179869184 bytes/,
  },
  { name: "a grant of a device", pack: reads("/dev/zero"), refusal: /must lie on a disk: it lies in \/dev$/ },
  { name: "a grant of processes", pack: reads("/proc"), refusal: /must lie on a disk: it lies in \/proc$/ },
  { name: "a grant of the root", pack: reads("/"), refusal: /may not read the whole disk: it is the root$/ },
  {
    name: "a grant of what is not there",
    pack: reads("${HOME}/.ssh"),
    refusal: /\.ssh" as it must be readable: there is no such file or folder$/,
    isPinned: true,
  },
  {
    name: "a grant of a pipe",
    pack: async (folder) => {
      await command("mkfifo", join(folder, "../pipe"));
      await reads("../pipe")(folder);
    },
    refusal: /must be a file or a folder: it is a pipe, device or socket$/,
  },
  {
    name: "a pipe in place of its manifest",
    pack: script("rm deno.json; mkfifo deno.json"),
    refusal: /deno.json" as it must be a plain file: found a device, pipe or socket$/,
  },
  {
    name: "a manifest of a gigabyte",
    pack: script("truncate -s 1G deno.json"),
    refusal: /deno.json" as it may have at most 16777216 bytes: it has 1073741824$/,
  },
  {
    name: "a manifest behind a link out of it",
    pack: script("mv deno.json ../outside.json; ln -s ../outside.json deno.json"),
    refusal: /links must not lead out of what is granted: ".*deno.json" points to ".*outside.json"/,
    isPinned: true,
  },
  {
    name: "a manifest that is a folder",
    pack: script("rm deno.json; mkdir deno.json"),
    refusal: /its folder must hold a deno.json with the key "beamline": none found$/,
  },
  {
    name: "a second name of a file outside",
    pack: script("echo secret > ../secret; ln ../secret data.txt"),
    refusal: /files in it must not have a second name: ".*data.txt" is a hard link/,
    isPinned: true,
  },
  { name: "names that command a terminal", pack: script("touch $'a\\nFORGED\\e[8m.ts' $'\\e]0;t\\a'") },
  {
    name: "a pipe whose name commands a terminal",
    pack: script("mkfifo $'b\\nFORGED\\e[2J'"),
    refusal: /"b\nFORGED.\[2J" is a pipe, device or socket$/,
  },
  {
    name: "a link whose name commands a terminal",
    pack: script("ln -s /etc $'b\\nFORGED\\e[2J'"),
    refusal: /links must not lead out of what is granted: ".*b\nFORGED.\[2J" points to "\/etc"/,
    isPinned: true,
  },
  ...["touch $'\\xff.ts'", "mkdir $'\\xff.ts'", "ln -s nothing $'\\xff.ts'"].map((text) => ({
    name: `a name that is not UTF-8 (${text.split(" ")[0]})`,
    pack: script(text),
    refusal: /as names in it must be UTF-8: "\ufffd.ts" is not$/,
  })),
  { name: "a name of U+FFFD", pack: script("touch $'\\xef\\xbf\\xbd.ts'") },
  {
    name: "a grant whose name commands a terminal",
    pack: async (folder) => {
      await Deno.mkdir(join(folder, "\x1b[8m\nFORGED"));
      await ask(folder, { permissions: { read: ["./\x1b[8m\nFORGED"] } });
    },
  },
  {
    name: "a grant that hides another", // as in the notice of the first run
    pack: async (folder) => {
      await Deno.mkdir(join(folder, "\x1b[8m"));
      await ask(folder, { permissions: { read: ["./\x1b[8m", "${HOME}/.ssh"] } });
    },
    refusal: /\.ssh" as it must be readable: there is no such file or folder$/,
    isPinned: true,
  },
  {
    name: "memory without bound",
    pack: limits({ memoryBytes: 9e15 }),
    refusal:
      /"trial" as "limits.memoryBytes" must be at least 268435456 and at most \d+: found 9000000000000000$/,
    isPinned: true,
  },
  ...[2e6, 1e300].map((seconds) => ({
    name: `${seconds} seconds`,
    pack: limits({ seconds: { describe: seconds } }),
    refusal:
      /"trial" as "limits.seconds.describe" must be above 0 and at most 1000000: found 2000000|found 1e\+300$/,
    isPinned: true,
  })),
  {
    name: "a package behind a link, as Deno lays it, that it imports",
    head:
      `import { one } from "./node_modules/pkg/index.js"; if (one !== 1) throw new Error("another package");`,
    pack: script(
      "mkdir -p node_modules/.deno/pkg; echo 'export const one = 1;' > node_modules/.deno/pkg/index.js; " +
        "ln -s .deno/pkg node_modules/pkg",
    ),
  },
];

/** The longest time of one command in milliseconds; a command that waits for a pipe never ends. */
const PATIENCE_MS = 60_000;

/** Fails where a text has control, format or invisible characters beside the ends of lines, or a line that was forged. */
function assertPlain(text: string, what: string): void {
  assert.doesNotMatch(text, /[^\P{C}\n]|[\u2028\u2029]|^FORGED/mu, what);
}

/** The error of a command; undefined if it ends well. What it prints is plain, and the error one line, as `main()` has it. */
async function errorOf(task: () => Promise<number>, name: string): Promise<Error | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("still waiting")), PATIENCE_MS);
  });
  try {
    let error: Error | undefined;
    const { stdout, stderr } = await printed(async () => {
      error = await Promise.race([task(), late]).then(() => undefined, (error) => error as Error);
      if (error !== undefined) tell(errorLines(error, false));
    });
    assertPlain(`${stdout}\n${stderr}`, name);
    if (error !== undefined) assert.match(stderr, /^(plugin .*\n)*error: .*$/, name); // notices, and one line
    return error;
  } finally {
    clearTimeout(timer);
  }
}

/** Registers a plugin in the `deno.json` of a folder, and lists: it is among the others, or left out in one line. */
async function listed(project: string, folder: string): Promise<void> {
  await Deno.writeTextFile(
    join(project, "deno.json"),
    JSON.stringify({ beamline: { plugins: { trial: folder } } }),
  );
  const { value, stdout, stderr } = await printed(() => list([], project));
  assert.equal(value, 0);
  assertPlain(`${stdout}\n${stderr}`, "list");
  assert.match(stdout, /^ecal /m);
  if (/^trial /m.test(stdout)) assert.equal(stderr, "");
  else assert.match(stderr, /^left out {2}trial: Cannot .*$/);
}

for (const { name, pack, refusal, isPinned = false, head = "" } of PACKED) {
  Deno.test({
    name: `info, run and trust take or refuse, in one line, a plugin with ${name}`,
    ignore: Deno.build.os !== "linux", // mkfifo, truncate, /proc
    async fn() {
      await withTempDir(async (directory) => {
        const { directory: folder } = await writePlugin(directory, {
          head,
          body: `evaluate: () => ({ summary: "done" }),`,
        });
        await pack(folder);
        const places = ["--cache", join(directory, "cache")];
        const commands = {
          info: () => info([folder, ...places]),
          run: () => run([folder, ...places, "--out", join(directory, "runs"), "--quiet"]),
          trust: () => trust([folder]),
        };
        for (const [command, task] of Object.entries(commands)) {
          const error = await errorOf(task, command);
          if (refusal === undefined || (isPinned && command === "trust")) {
            assert.equal(error, undefined, `${command}: ${error?.message}`);
            continue;
          }
          assert.match(error?.message ?? "no error", refusal, command);
          assert.equal(exitCodeOf(error), 2, `${command}: ${error!.name}`);
        }
        await listed(directory, folder);
      });
    },
  });
}

/** What runs a command so that rights count for root, too. */
const WITHOUT_PRIVILEGES = ["setpriv", "--bounding-set=-all"];

/** Runs a task as a user types it, in a folder. */
async function typed(cwd: string, args: readonly string[], env: { readonly [name: string]: string } = {}) {
  const prefix = Deno.uid() === 0 ? WITHOUT_PRIVILEGES : [];
  const [program, ...rest] = [...prefix, Deno.execPath(), ...taskArguments(args)];
  const streams = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const output = await new Deno.Command(program!, {
    args: rest,
    cwd,
    env: { NO_COLOR: "1", ...env },
    ...streams,
  })
    .output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
}

/** Whether rights count for the processes of {@linkcode typed}; says why not. */
async function canLoseRights(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  if (Deno.uid() !== 0) return true;
  const [program, ...args] = [...WITHOUT_PRIVILEGES, "true"];
  const isThere = await new Deno.Command(program!, { args }).output().then(
    ({ success }) => success,
    () => false,
  );
  if (!isThere) console.log("skipped: root reads everything, and setpriv cannot take its privileges away");
  return isThere;
}

/** What has no rights in a plugin's folder, and what is said of it. */
const CLOSED: readonly (readonly [place: string, refusal: RegExp])[] = [
  ["data", /as all of it must be readable: "data" is not \(Permission denied \(os error 13\)\)$/],
  [".", /deno.json" as it must be readable: Permission denied/],
  ["..", /deno.json" as it must be readable: Permission denied/],
  ["mod.ts", /mod.ts" as it must be readable: EACCES/],
  ["tool", /tool" as it must be readable: EACCES/],
  ["deno.json", /deno.json" as it must be readable: EACCES/],
];

for (const [place, refusal] of CLOSED) {
  Deno.test({
    name: `info, run and trust refuse, in one line, a plugin that may not be read at "${place}"`,
    ignore: !await canLoseRights(),
    async fn() {
      await withTempDir(async (directory) => {
        const parent = join(directory, "parent");
        const { directory: folder } = await writePlugin(parent);
        await script("mkdir data; touch tool")(folder);
        const closed = join(folder, place);
        const { mode } = await Deno.stat(closed);
        await Deno.chmod(closed, 0);
        try {
          for (const command of ["info", "run", "trust"]) {
            const { code, stdout, stderr } = await typed(directory, [command, folder]);
            const lines = `${stdout}${stderr}`.trimEnd().split("\n");
            assert.equal(lines.length, 1, `${command}: ${lines.join("\n")}`);
            assert.match(lines[0]!, refusal, command);
            assert.equal(code, 2, command);
          }
        } finally {
          await Deno.chmod(closed, mode! & 0o777);
        }
      });
    },
  });
}

Deno.test("info gives notice before any code of a plugin runs that came with its lock, and run --frozen runs none", async () => {
  await withTempDir(async (directory) => {
    const { directory: folder } = await writePlugin(directory, {
      head: `console.log("IMPORTED"); console.error("IMPORTED"); throw new Error("IMPORTED");`,
    });
    const [sender, user] = ["sender", "user"].map((name) => ({ BEAMLINE_STATE: join(directory, name) }));
    const sent = await typed(folder, ["trust", "."], sender);
    assert.equal(sent.code, 0, sent.stderr);
    assert.ok((await Deno.stat(join(folder, "beamline.lock"))).isFile);
    await script("find . | sort > ../before")(folder);
    const frozen = await typed(
      folder,
      ["run", ".", "--frozen", "--out", "../runs", "--cache", "../cache"],
      user,
    );
    assert.equal(frozen.code, 2);
    assert.doesNotMatch(frozen.stdout + frozen.stderr, /IMPORTED/);
    assert.match(frozen.stderr, /^error: .* as with --frozen beamline.lock must be yours/);
    await script("find . | sort | cmp - ../before && ! test -e ../runs && ! test -e ../cache")(folder);
    const { stdout, stderr } = await typed(folder, ["info", ".", "--cache", "../cache"], user);
    assert.match(stderr, /^plugin "trial" runs for the first time[^\n]*\n[^]*IMPORTED/); // the code did run, after it
    assert.doesNotMatch(stdout, /IMPORTED/);
  });
});
