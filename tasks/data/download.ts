/**
 * The part of `deno task data fetch` that has the network and nothing else: started by it, with the files as JSON on standard
 * input, so that no other task needs the permission.
 *
 * @module
 */
import { formatBytes } from "../../core/format.ts";
import { type FetchFile, fetchFiles } from "../../registry/fetch.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { main } from "../terminal/main.ts";
import { print, printJson, tell, tellOver } from "../terminal/print.ts";

/** What the parent hands over. */
export interface FetchOrder {
  readonly files: readonly FetchFile[];
  readonly out: string;
  readonly again: boolean;
  /** Whether servers may have addresses that are not public. */
  readonly allowPrivate: boolean;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
}

/** Lines of progress per file where there is no terminal. */
const LINES = 10;

/** Fetches files; returns the exit code. */
export async function download(order: FetchOrder): Promise<number> {
  const { files, out, again, allowPrivate, isJson, isQuiet } = order;
  const fetched = await fetchFiles(files, {
    out,
    again,
    allowPrivate,
    ...(isQuiet ? {} : { onProgress: progressLine(Deno.stderr.isTerminal()) }),
  });
  if (isJson) {
    printJson({ files: fetched.map(({ path, isKept, bytes }) => ({ path, bytes, fetched: !isKept })) });
    return EXIT.ok;
  }
  for (const { path, isKept, bytes } of fetched) {
    print(`${isKept ? "there " : "wrote "}  ${path}  (${formatBytes(bytes)})`);
  }
  return EXIT.ok;
}

/** One line that is written over on a terminal; elsewhere a line per tenth of a file. */
export function progressLine(
  isLive: boolean,
): (file: string, bytes: number, total: number | undefined) => void {
  let last = "";
  return (file, bytes, total) => {
    const share = total === undefined ? "" : `${Math.floor(100 * bytes / total)} %`;
    const step = total === undefined
      ? Math.floor(bytes / 1e7)
      : Math.floor((isLive ? 100 : LINES) * bytes / total);
    if (`${file} ${step}` === last) return;
    last = `${file} ${step}`;
    const text = `${file}  ${formatBytes(bytes)}  ${share}`.trimEnd();
    if (!isLive) return tell(text);
    tellOver(text, bytes === total);
  };
}

if (import.meta.main) {
  await main(async () => download(JSON.parse(await new Response(Deno.stdin.readable).text()) as FetchOrder));
}
