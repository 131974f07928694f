/**
 * Python processes that take turns with our engine.
 *
 * @module
 */
import { TextLineStream } from "./lines.ts";

/** A peer that is ready to run steps of one workload. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Thread counts that it can take. */
  readonly threads: readonly number[];
  /** Milliseconds of one step. */
  measure(threads: number, steps: number): Promise<number>;
  stop(): Promise<void>;
}

/** Peers by name; each has a script `peers/<name>_peer.py`. */
export const PEERS: readonly string[] = ["torch", "jax"];

/**
 * Starts a peer, or gives nothing where the interpreter lacks its package or it does not know the workload.
 *
 * @param python An interpreter, or a virtual environment with `bin/python`.
 */
export async function startPeer(python: string, name: string, workload: string): Promise<Peer | undefined> {
  const inside = `${python}/bin/python`;
  const isFolder = await Deno.stat(inside).then(() => true, () => false);
  const child = new Deno.Command(isFolder ? inside : python, {
    args: [new URL(`./peers/${name}_peer.py`, import.meta.url).pathname, workload],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    .getReader();
  const writer = child.stdin.getWriter();
  const first = await lines.read();
  if (first.done) {
    await writer.close().catch(() => {});
    await child.status;
    return undefined;
  }
  const { version, threads } = JSON.parse(first.value) as { version: string; threads: number[] };
  return {
    name,
    version,
    threads,
    async measure(count, steps) {
      await writer.write(new TextEncoder().encode(`${count} ${steps}\n`));
      const answer = await lines.read();
      if (answer.done) throw new Error(`Cannot measure peer "${name}" as it must answer: it ended`);
      return Number(answer.value);
    },
    async stop() {
      await writer.close();
      await child.status;
    },
  };
}
