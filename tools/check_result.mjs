// Reads what `deno task run ... --json` printed: one object, whose run is finished and whose metrics are numbers.
import { existsSync, readFileSync } from "node:fs";

const { run, status, metrics } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const entries = Object.entries(metrics ?? {});
const broken = entries.filter(([, { value }]) => typeof value !== "number" || !Number.isFinite(value));

const problems = [];
if (status !== "finished") problems.push(`status is "${status}"`);
if (entries.length === 0) problems.push("metrics is empty");
for (const [key, { value }] of broken) problems.push(`metric "${key}" is ${value}`);
for (const file of ["run.json", "metrics.json", "report.html"]) {
  if (!existsSync(`${run}/${file}`)) problems.push(`${file} is missing in "${run}"`);
}
for (const problem of problems) console.error(`Cannot accept the run as ${problem}`);
if (problems.length > 0) process.exit(1);
console.log(
  `${entries.length} metrics, for example ${entries[0][0]} = ${entries[0][1].value} ${entries[0][1].unit}`,
);
