/** What commands print of manifests, runs and data that somebody else wrote: nothing of it commands the terminal. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { encodeNpz } from "../../formats/npz.ts";
import { compare } from "../../tasks/compare.ts";
import { inspect } from "../../tasks/data/inspect.ts";
import { info } from "../../tasks/info.ts";
import { report } from "../../tasks/report.ts";
import { runs } from "../../tasks/runs.ts";
import { trust } from "../../tasks/trust.ts";
import { verify } from "../../tasks/verify.ts";
import { errorJson, errorLines } from "../../tasks/terminal/main.ts";
import { printJson, tell } from "../../tasks/terminal/print.ts";
import { withTempDir } from "../support/plugins.ts";
import { printed } from "../support/printed.ts";

/** Ways to write over a line, to color, to set the title, to hide and to reorder; each followed by a line of its own. */
const HOSTILE = [
  "\x1b[2K\x1b[1A\x1b[32mFORGED\x1b]0;title\x07\x1b[0m",
  "\x9b2K\x9d0;title\x9cFORGED",
  "x\nFORGED",
  "x\r\nFORGED\r",
  "x\u0085FORGED\u2028FORGED\u2029FORGED",
  "\u202e\u2066\u200b\u200d\ufeff\u{e0041}FORGED",
  "\x7f\b\b\bFORGED\v\f",
];

/** Fails where something in the text is not plain, or a line begins as it shall not. */
function assertPlain(text: string, what: string): void {
  const found = /[^\P{C}\n]|[\u2028\u2029]/u.exec(text);
  assert.equal(found, null, `${what}: ${JSON.stringify(text.slice(0, 400))}`);
  assert.doesNotMatch(text, /^FORGED/m, what);
}

/** What a command prints, its error included, as `main()` does it. */
async function printedBy(task: () => Promise<number>, isVerbose = false): Promise<string> {
  const { stdout, stderr } = await printed(async () => {
    try {
      await task();
    } catch (error) {
      tell(errorLines(error, isVerbose));
      printJson(errorJson(error));
    }
  });
  return `${stdout}\n${stderr}`;
}

async function writeRun(store: string, name: string, hostile: string): Promise<void> {
  const path = join(store, "esc", name);
  await Deno.mkdir(path, { recursive: true });
  const metric = { value: 1, error: null, errorKind: "none", better: "lower", rows: 1, split: "t" };
  const files = {
    "run.json": {
      schema: "beamline-run/1",
      id: `id${hostile}`,
      status: hostile,
      created: "2026-01-01T00:00:00.000Z",
      finished: null,
      plugin: { name: `esc${hostile}`, title: hostile, path: `../${hostile}` },
      action: hostile,
      seconds: {},
      seed: 0,
      warnings: [{ code: hostile, message: hostile }],
      command: [hostile],
      versions: { [hostile]: hostile },
      engine: { name: hostile, threads: 1 },
      configHash: hostile,
      simulated: null,
      error: { name: hostile, message: hostile },
    },
    "metrics.json": { [`m${hostile}${name}`]: { ...metric, unit: hostile, label: hostile } },
    "config.json": { values: { [`a${hostile}`]: `${hostile}${name}` } },
  };
  for (const [file, value] of Object.entries(files)) {
    await Deno.writeTextFile(join(path, file), JSON.stringify(value));
  }
}

Deno.test("runs, compare, report and verify print nothing of a run that commands a terminal", async () => {
  for (const [i, hostile] of HOSTILE.entries()) {
    await withTempDir(async (directory) => {
      const store = join(directory, "runs");
      const [a, b] = ["20260101T000000Z-a", "20260101T000001Z-b"];
      await writeRun(store, a, hostile);
      await writeRun(store, b, hostile);
      const paths = [join(store, "esc", a), join(store, "esc", b)];
      const tasks: { readonly [name: string]: () => Promise<number> } = {
        runs: () => runs(["--out", store]),
        "runs --json": () => runs(["--out", store, "--json"]),
        compare: () => compare([...paths, "--out", join(directory, "c.html")]),
        "compare --json": () => compare([...paths, "--out", join(directory, "c.html"), "--json"]),
        report: () => report([paths[0]!]),
        verify: () => verify([paths[0]!]),
        "runs of a name": () => runs([hostile]),
        "verify of a name": () => verify([hostile]),
      };
      for (const [name, task] of Object.entries(tasks)) {
        assertPlain(await printedBy(task), `${name} of text ${i}`);
        assertPlain(await printedBy(task, true), `${name} --verbose of text ${i}`);
      }
    });
  }
});

Deno.test("info and trust print nothing of a manifest that commands a terminal", async () => {
  const changes = (hostile: string): { readonly [field: string]: unknown }[] => [
    { title: hostile },
    { entry: `../${hostile}` },
    { entry: hostile },
    { permissions: { read: [`../${hostile}`] } },
    { permissions: { [hostile]: 1 } },
    { name: hostile },
    { limits: { seconds: { [hostile]: 1, evaluate: -1 } } },
    { data: [{ file: hostile, url: hostile, sha256: hostile }] },
  ];
  await withTempDir(async (directory) => {
    for (const [i, hostile] of HOSTILE.slice(0, 3).entries()) {
      for (const [j, change] of changes(hostile).entries()) {
        const plugin = join(directory, `p${i}-${j}`);
        await Deno.mkdir(plugin);
        await Deno.writeTextFile(
          join(plugin, "deno.json"),
          JSON.stringify({ beamline: { name: "esc", title: "A trial", ...change } }),
        );
        await Deno.writeTextFile(join(plugin, "mod.ts"), `throw new Error(${JSON.stringify(hostile)});`);
        for (const task of j === 0 ? [info, trust] : [trust]) {
          assertPlain(await printedBy(() => task([plugin])), `${task.name}: change ${j} with text ${i}`);
        }
      }
    }
  });
});

Deno.test("data inspect prints nothing of the names in a file that commands a terminal", async () => {
  await withTempDir(async (directory) => {
    for (const [i, hostile] of HOSTILE.entries()) {
      const path = join(directory, `${i}.npz`);
      const array = { dtype: "float32", shape: [1], data: new Float32Array(1) } as const;
      await Deno.writeFile(path, await encodeNpz({ [`a${hostile}`]: array }));
      assertPlain(await printedBy(() => inspect(path, [])), `names of text ${i}`);
      assertPlain(await printedBy(() => inspect(path, ["--json"])), `names of text ${i} as JSON`);
      assertPlain(await printedBy(() => inspect(`${path}${hostile}`, [])), `path of text ${i}`);
    }
  });
});
