/**
 * `deno task data fetch <plugin>`: the files that a manifest names.
 *
 * @module
 */
import { DataError } from "../../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../../plugins/mod.ts";
import { FRAMEWORK_ROOT } from "../../registry/framework.ts";
import { pathList } from "../../files/path_lists.ts";
import { join, resolve } from "../../files/paths.ts";
import { CLOSED_HOSTS } from "../../registry/addresses.ts";
import { findPlugin } from "../../registry/plugins.ts";
import { parseCommand, refuseUnknown } from "../shared/command.ts";
import type { FetchOrder } from "./download.ts";
import { userReference } from "../finding/user_paths.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { print } from "../terminal/print.ts";

/**
 * Downloads what the manifest names; `--out` is the folder (default: data/<plugin>). The download runs in a process of
 * its own, the only one that may use the network.
 */
export async function fetchData(reference: string, args: readonly string[]): Promise<number> {
  const parsed = parseCommand({
    name: `data fetch ${reference}`,
    summary: "download the files that the manifest names",
    taskFlags: [
      { name: "out", value: "dir", help: `the folder to write to (default: ${join("data", reference)})` },
      { name: "again", help: "also download files that are there" },
      { name: "allow-private", help: "also from servers of this machine and its network" },
    ],
  }, args);
  if (parsed.help !== undefined) {
    print(parsed.help.split("\n"));
    return EXIT.ok;
  }
  refuseUnknown(parsed.issues);
  const { manifest } = await findPlugin(userReference(reference), BUILT_IN_PLUGINS, Deno.cwd());
  if (manifest.data.length === 0) {
    throw new DataError(
      `Cannot fetch data of "${manifest.name}" as its manifest must name files: found none; "deno task data simulate ${reference}" may make some`,
    );
  }
  const order: FetchOrder = {
    files: manifest.data,
    out: resolve(parsed.task.out ?? join("data", manifest.name)),
    again: "again" in parsed.task,
    allowPrivate: "allow-private" in parsed.task,
    isJson: "json" in parsed.task,
    isQuiet: "quiet" in parsed.task,
  };
  const started = downloadArguments(order, "verbose" in parsed.task);
  const download = new Deno.Command(Deno.execPath(), { args: started, stdin: "piped" }).spawn();
  const writer = download.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(order))).catch(() => {}); // it says itself why it ended
  await writer.close().catch(() => {});
  return (await download.status).code;
}

/**
 * Arguments of Deno that start the download: the public network is open to it, and of the disk only the folder to write
 * to. Deno checks the address that it connects to, so a name that changes its address after it was checked gains nothing.
 */
export function downloadArguments(order: FetchOrder, isVerbose: boolean): string[] {
  return [
    "run",
    "--no-prompt",
    "--cached-only",
    "--no-remote",
    "--config",
    join(FRAMEWORK_ROOT, "deno.json"),
    "--allow-net",
    ...order.allowPrivate ? [] : [`--deny-net=${CLOSED_HOSTS.join(",")}`],
    `--allow-read=${pathList([order.out])}`,
    `--allow-write=${pathList([order.out])}`,
    join(FRAMEWORK_ROOT, "tasks", "data", "download.ts"),
    ...(order.isJson ? ["--json"] : []),
    ...(isVerbose ? ["--verbose"] : []),
  ];
}
