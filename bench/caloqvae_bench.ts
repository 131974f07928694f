/**
 * The comparison of calorimeter showers beside its Python peer, and the study of a file larger than memory:
 *
 *     deno run -A bench/caloqvae_bench.ts --rows 100000 --peer /usr/bin/python3
 *     deno run -A bench/caloqvae_bench.ts --rows 0 --fine 150000
 *
 * Seconds are those of whole processes, memory is the largest sum over a process and its children. Numbers are compared
 * before anything is printed: where they do not agree, the exit code is 1.
 */
import { parseArgs } from "node:util";
import { writeFine, writeJoined } from "./caloqvae_files.ts";
import { ROOT, taskFlags } from "./root.ts";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", default: "100000" },
    peer: { type: "string" },
    fine: { type: "string", default: "0" },
    /** Where files are made; they are kept there. A folder that goes away unless given. */
    folder: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const SAMPLE_MS = 200;

interface Measured {
  readonly seconds: number;
  readonly peakMb: number;
  readonly output: string;
}

/** Memory of a process and all below it, in bytes; pages that several share count once. */
function memoryOfTree(root: number): number {
  const parents = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const fields = textOf(`/proc/${name}/stat`).split(") ").at(-1)!.split(" ");
    parents.set(Number(name), Number(fields[1]));
  }
  const isBelow = (pid: number): boolean => {
    for (let at: number | undefined = pid; at; at = parents.get(at)) if (at === root) return true;
    return false;
  };
  let sum = 0;
  for (const pid of parents.keys()) {
    if (isBelow(pid)) {
      sum += 1024 * Number(/^Pss:\s*(\d+) kB/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
    }
  }
  return sum;
}

/** A file of the system, empty where the process has ended. */
function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Runs a command to its end. */
async function measure(command: string, args: readonly string[]): Promise<Measured> {
  const begin = performance.now();
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let peak = 0;
  const timer = setInterval(() => peak = Math.max(peak, memoryOfTree(child.pid)), SAMPLE_MS);
  const { success, stdout, stderr } = await child.output();
  clearInterval(timer);
  const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [
    string,
    string,
  ];
  if (!success) throw new Error(`Cannot measure "${command}" as it must succeed: ${errors.slice(-2000)}`);
  return { seconds: (performance.now() - begin) / 1000, peakMb: peak / 1e6, output };
}

/** Runs an experiment's action as users do. */
async function measureOurs(folder: string, args: readonly string[]): Promise<Measured> {
  return await measure(Deno.execPath(), [
    "run",
    ...await taskFlags("run"),
    "tasks/run.ts",
    "caloqvae",
    ...args,
    "--json",
    "--out",
    `${folder}/runs`,
    "--cache",
    `${folder}/cache`,
  ]);
}

type Estimates = { readonly [key: string]: { readonly value: number; readonly error: number | null } };
type PeerNumbers = { readonly [key: string]: number | readonly number[] };

/** Where a number of ours stands in the peer's output, and how far they may be apart, relative or in our errors. */
interface Comparison {
  readonly key: string;
  readonly peer: string;
  readonly at?: number;
  readonly relative: number;
  readonly errors: number;
}

const PAIRS = { "": "reference generated", "floor.": "first second", "matched.": "first matched" } as const;

/**
 * Distances of matrices are the same numbers, which the peer sums in float32, 3e-4 from those of float64; the others have
 * random draws, or showers chosen otherwise, of their own.
 */
const COMPARISONS: readonly Comparison[] = Object.entries(PAIRS).flatMap(([prefix, pair]) => {
  const isMatched = prefix === "matched.";
  return [
    { key: `${prefix}frobenius_voxel_energy`, peer: `frobenius ${pair}`, at: 0, relative: 1e-3, errors: 0 },
    { key: `${prefix}frobenius_voxel_hits`, peer: `frobenius ${pair}`, at: 1, relative: 1e-3, errors: 0 },
    { key: `${prefix}fpd`, peer: `fpd ${pair}`, relative: 0.1, errors: 5 },
    ...(isMatched ? [] : [{ key: `${prefix}kpd`, peer: `kpd ${pair}`, relative: 0.1, errors: 5 }]),
    ...(isMatched ? [] : ["precision", "recall", "density", "coverage"].map((name, at) => ({
      key: `${prefix}${name}`,
      peer: `prdc ${pair}`,
      at,
      relative: 0.1,
      errors: 8,
    }))),
  ];
});

/** What does not agree, one line each. */
function disagreements(ours: Estimates, peer: PeerNumbers): string[] {
  return COMPARISONS.flatMap(({ key, peer: name, at, relative, errors }) => {
    const { value, error } = ours[key]!;
    const other = peer[name]!;
    const expected = typeof other === "number" ? other : other[at ?? 0]!;
    const allowed = relative * Math.abs(expected) + errors * (error ?? 0);
    if (Math.abs(value - expected) <= allowed) return [];
    return [`${key}: ${value} +- ${error}, the peer has ${expected}`];
  });
}

interface Row {
  readonly what: string;
  readonly rows: number;
  readonly seconds: number;
  readonly peakMb: number;
  readonly peerSeconds?: number;
  readonly peerPeakMb?: number;
}

async function judge(folder: string, rows: number, peer: string | undefined): Promise<Row> {
  const [reference, generated] = [`${folder}/reference.hdf5`, `${folder}/generated.hdf5`];
  await writeJoined(reference, rows, 0);
  await writeJoined(generated, rows, 1);
  const ours = await measureOurs(folder, [
    "--reference",
    reference,
    "--generated",
    generated,
    "--classifier",
    "none",
  ]);
  const row = { what: "judge", rows, seconds: ours.seconds, peakMb: ours.peakMb };
  if (peer === undefined) return row;
  const theirs = await measure(peer, ["bench/peers/caloqvae_reference.py", reference, generated]);
  const { metrics } = JSON.parse(ours.output) as { metrics: Estimates };
  const found = disagreements(metrics, JSON.parse(theirs.output) as PeerNumbers);
  if (found.length > 0) {
    throw new Error(`Cannot compare times as the numbers must agree: ${found.join("; ")}`);
  }
  return { ...row, peerSeconds: theirs.seconds, peerPeakMb: theirs.peakMb };
}

async function studyFine(folder: string, rows: number): Promise<Row[]> {
  const path = `${folder}/fine.hdf5`;
  await writeFine(path, rows);
  const found: Row[] = [];
  for (const action of ["inspect", "clean", "correlate"]) {
    const { seconds, peakMb, output } = await measureOurs(folder, [action, path]);
    checkFine(action, JSON.parse(output), rows);
    found.push({ what: `${action} fine`, rows, seconds, peakMb });
  }
  return found;
}

/** The bad events that were planted must be found, removed, and left to be seen in the matrix. */
function checkFine(action: string, output: Record<string, unknown>, rows: number): void {
  const bad = Math.floor((rows - 8) / 1000) + 1;
  const first = (key: string) => (output[key] as Record<string, unknown>[])[0]!;
  const cases: { readonly [action: string]: () => readonly [unknown, unknown] } = {
    inspect: () => [output.badEvents, bad],
    clean: () => [first("cleaned").kept, rows - bad],
    correlate: () => [first("correlations").events, rows],
  };
  const [actual, expected] = cases[action]!();
  if (actual !== expected) {
    throw new Error(
      `Cannot use the times of ${action} as its numbers must be right: ${actual} for ${expected}`,
    );
  }
}

function show({ what, rows, seconds, peakMb, peerSeconds, peerPeakMb }: Row): string {
  const ours = `${what}: ${rows} rows, ${seconds.toFixed(1)} s, ${peakMb.toFixed(0)} MB`;
  if (peerSeconds === undefined) return ours;
  const ratio = (seconds / peerSeconds).toFixed(2);
  return `${ours}; peer ${peerSeconds.toFixed(1)} s, ${peerPeakMb!.toFixed(0)} MB; ratio ${ratio}`;
}

const folder = options.folder ?? await Deno.makeTempDir({ prefix: "caloqvae_bench_" });
try {
  await Deno.mkdir(folder, { recursive: true });
  const found: Row[] = [];
  const [rows, fine] = [Number(options.rows), Number(options.fine)];
  if (rows > 0) found.push(await judge(folder, rows, options.peer));
  if (fine > 0) found.push(...await studyFine(folder, fine));
  if (options.json) console.log(JSON.stringify({ load: Deno.loadavg(), results: found }));
  else for (const row of found) console.log(show(row));
} catch (error) {
  console.error(String(error));
  Deno.exitCode = 1;
} finally {
  if (options.folder === undefined) await Deno.remove(folder, { recursive: true });
}
