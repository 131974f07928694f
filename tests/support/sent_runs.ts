/**
 * Run folders as somebody may send them, beside the home of the user who is sent them.
 *
 * @module
 */
import { join } from "node:path";

/** The text of the user's secret file. */
export const SECRET = "PRIVATE KEY of the user";

/** A home with secrets, and an inbox for what is sent. */
export interface Place {
  readonly home: string;
  readonly inbox: string;
}

/** A run folder that is sent. */
export interface SentRun {
  /** Fields of `run.json` that differ from those of an interrupted run of the plugin in the folder. */
  readonly record?: { readonly [field: string]: unknown };
  /** Values of `config.json`. */
  readonly values?: { readonly [path: string]: unknown };
  /** Fields of the plugin's manifest. */
  readonly manifest?: { readonly [field: string]: unknown };
  /** Further fields of the plugin's definition, as source text. */
  readonly body?: string;
  /** Fields of the plugin's configuration, as source text. */
  readonly config?: string;
  /** Links to make: target by path in the run; what was there is removed. */
  readonly links?: { readonly [path: string]: string };
  /** Files to write, by path in the run. */
  readonly files?: { readonly [path: string]: string };
}

/** Makes the home and the inbox below a folder. */
export async function makePlace(directory: string): Promise<Place> {
  const [home, inbox] = [join(directory, "home"), join(directory, "inbox")];
  for (const folder of [".ssh", "photos/2024", "photos/2025", "project"]) {
    await Deno.mkdir(join(home, folder), { recursive: true });
  }
  await Deno.mkdir(inbox);
  await Deno.writeTextFile(join(home, ".ssh/id_rsa"), `${SECRET}\n`);
  await Deno.writeTextFile(join(home, ".ssh/authorized_keys"), "the user's own key\n");
  for (const year of ["2024", "2025"]) await Deno.writeTextFile(join(home, "photos", year, "a.jpg"), "jpg");
  await Deno.writeTextFile(join(home, "project/report.html"), "the user's own report\n");
  return { home, inbox };
}

/** Everything below a folder: content by path, targets of links, names of empty folders. */
export async function snapshot(folder: string, prefix = ""): Promise<{ [path: string]: string }> {
  const found: { [path: string]: string } = {};
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(join(folder, prefix))) {
    const path = `${prefix}${name}`;
    if (isSymlink) found[path] = `-> ${await Deno.readLink(join(folder, path))}`;
    else if (isDirectory) Object.assign(found, { [path]: "folder" }, await snapshot(folder, `${path}/`));
    else found[path] = await Deno.readTextFile(join(folder, path));
  }
  return found;
}

const FOLDERS = ["programs", "checkpoints", "predictions", "figures", "provenance", "plugin"];

/** Writes a run folder into the inbox; returns its path. */
export async function sendRun({ inbox }: Place, name: string, sent: SentRun = {}): Promise<string> {
  const run = join(inbox, name);
  for (const folder of FOLDERS) await Deno.mkdir(join(run, folder), { recursive: true });
  const record = { ...RECORD, ...sent.record };
  const files: { readonly [path: string]: string } = {
    "run.json": JSON.stringify(record),
    "config.json": JSON.stringify({ values: sent.values ?? {}, sources: sourcesOf(sent), help: {} }),
    "plugin/deno.json": JSON.stringify({
      beamline: { name: "foreign", title: "A trial", ...sent.manifest },
    }),
    "plugin/mod.ts": `import { definePlugin, inputPath, z } from "beamline";
export default definePlugin({ name: "foreign", title: "A trial", config: z.object({ ${
      sent.config ?? ""
    } }), ${sent.body ?? "evaluate: () => ({})"} });`,
    ...sent.files,
  };
  for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(join(run, path), text);
  for (const [path, target] of Object.entries(sent.links ?? {})) {
    await Deno.remove(join(run, path), { recursive: true }).catch(() => {});
    await Deno.symlink(target, join(run, path));
  }
  return run;
}

function sourcesOf({ values = {} }: SentRun): { [path: string]: string } {
  return Object.fromEntries(Object.keys(values).map((path) => [path, `--${path}`]));
}

const RECORD = {
  schema: "beamline-run/1",
  id: "20261130T210447Z-3ccd2e0b-fc80",
  status: "interrupted",
  created: "2026-11-30T21:04:47.960Z",
  finished: null,
  plugin: { name: "foreign", title: "A trial", path: "plugin" },
  action: "run",
  headline: [],
  simulated: true,
  seconds: {},
  engine: null,
  seed: 0,
  versions: { beamline: "0.1.0" },
  command: ["run", "plugin"],
  configHash: "0".repeat(64),
  error: null,
  warnings: [],
};

/** Source of an action `look` that reads the first file it is given. */
export const READ_FILE =
  `actions: { look: { title: "look", prepare: false, run: (_c, _x, files) => ({ summary: "read: " + Deno.readTextFileSync(files[0]) }) } }`;

/** Source of an evaluation that reads the secret by its path from the plugin's folder. */
export const READ_SECRET =
  `evaluate: () => ({ summary: "read: " + Deno.readTextFileSync(new URL("../../../home/.ssh/id_rsa", import.meta.url)) })`;

/** Source of an action `look` that makes a file `authorized_keys`. */
export const WRITE_KEYS =
  `actions: { look: { title: "look", prepare: false, run(_c, x) { Deno.writeTextFileSync(x.directory + "/authorized_keys", "attacker"); return { files: ["authorized_keys"], summary: "s" }; } } }`;
