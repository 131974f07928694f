/**
 * Commands with odd paths, in a process that stands in a folder of its own: `deno run odd_paths.ts FOLDER` prints a line of JSON
 * for each command and path, which says how it ended.
 *
 * @module
 */
import { join } from "node:path";
import { plainLine } from "../../core/plain_text.ts";
import { errorLines, withoutBlame } from "../../tasks/terminal/main.ts";
import { exitCodeOf } from "../../tasks/terminal/exit_codes.ts";
import { cache } from "../../tasks/cache.ts";
import { compare } from "../../tasks/compare.ts";
import { data } from "../../tasks/data.ts";
import { doctor } from "../../tasks/doctor.ts";
import { exportTask } from "../../tasks/export.ts";
import { info } from "../../tasks/info.ts";
import { predict } from "../../tasks/predict.ts";
import { report } from "../../tasks/report.ts";
import { resume } from "../../tasks/resume.ts";
import { run } from "../../tasks/run.ts";
import { runs } from "../../tasks/runs.ts";
import { trust } from "../../tasks/trust.ts";
import { verify } from "../../tasks/verify.ts";
import { printed } from "./printed.ts";
import { ROOT } from "./trial.ts";

/** How a command with an odd path ended. */
export interface OddEnd {
  readonly command: string;
  readonly path: string;
  readonly code: number;
  /** What was printed as an error. */
  readonly lines: readonly string[];
}

type Task = (args: readonly string[]) => Promise<number>;

/** Odd paths, by what is odd; in a folder that is the working directory. */
function paths(folder: string): { readonly [what: string]: string } {
  return {
    "empty": "",
    "here": ".",
    "with a comma": join(folder, "a,b"),
    "with a line end": join(folder, "a\nb"),
    "with an escape": join(folder, "a\x1b[31mb"),
    "long": join(folder, "x".repeat(300)),
    "longer than any path": join(folder, "y/".repeat(3000)),
    "below a file": join(folder, "file", "x"),
    "a file": join(folder, "file"),
    "a pipe": join(folder, "pipe"),
    "a link to nothing": join(folder, "dangling"),
    "a circle of links": join(folder, "circle"),
    "absent": join(folder, "absent"),
    "of the system": "/proc/self/x",
    "a device": "/dev/null",
  };
}

/** Each place of a command line that takes a path. */
function commands(folder: string): readonly (readonly [Task, (path: string) => string[]])[] {
  const peak = join(ROOT, "examples/peak");
  const made = ["--events", "500", "--epochs", "1", "--quiet"];
  const places = ["--runs", join(folder, "runs"), "--cache", join(folder, "cache")];
  const one = join(folder, "file");
  return [
    [run, (path) => [peak, ...made, "--runs", path, ...places.slice(2)]],
    [run, (path) => [peak, ...made, "--cache", path, ...places.slice(0, 2)]],
    [run, (path) => [peak, ...made, "--config", path, ...places]],
    [run, (path) => [peak, ...made, "--init", path, ...places]],
    [run, (path) => [path, ...places]],
    [run, (path) => ["ecal", "--data", path, ...places]],
    [runs, (path) => ["--out", path]],
    [info, (path) => [path]],
    [trust, (path) => [path]],
    [trust, (path) => ["--own", path]],
    [report, (path) => [path]],
    [report, (path) => ["latest", "--runs", path]],
    [compare, (path) => [path, one]],
    [compare, (path) => ["--all", "peak", "--runs", path]],
    [predict, (path) => [path, "--data", one]],
    [predict, (path) => ["latest", "--data", path, "--runs", folder]],
    [exportTask, (path) => [path, "--onnx"]],
    [resume, (path) => [path]],
    [resume, (path) => ["latest", "--plugin", path]],
    [verify, (path) => [path]],
    [verify, (path) => ["latest", "--runs", path]],
    [cache, (path) => ["--cache", path]],
    [cache, (path) => ["--cache", path, "--clean"]],
    [data, (path) => ["inspect", path]],
    [data, (path) => ["simulate", "ecal", "--out", path, "--events", "10"]],
    [data, (path) => ["fetch", path]],
    [doctor, (path) => ["--runs", path]],
    [doctor, (path) => ["--cache", path]],
  ];
}

async function endOf(task: Task, args: readonly string[]): Promise<Pick<OddEnd, "code" | "lines">> {
  try {
    const { value, stderr } = await printed(() => task(args));
    return { code: value as number, lines: stderr.split("\n") };
  } catch (thrown) {
    const error = withoutBlame(thrown);
    return { code: exitCodeOf(error), lines: errorLines(error, false).map(plainLine) }; // as tell() prints them
  }
}

if (import.meta.main) {
  const folder = Deno.args[0]!;
  for (const [task, args] of commands(folder)) {
    for (const [what, path] of Object.entries(paths(folder))) {
      const end: OddEnd = {
        command: `${task.name} ${args("PATH").join(" ")}`,
        path: what,
        ...await endOf(task, args(path)),
      };
      console.log(JSON.stringify(end));
    }
  }
  Deno.exit();
}
