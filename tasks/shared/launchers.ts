/**
 * The processes that a command was typed with: `deno task`, and `npx` around it. Where one of them is killed, whoever did that
 * wants the run to end, and no signal reaches it: npx and `kill -9` pass none on.
 *
 * @module
 */

/** Programs around `deno task`, from the inside out, as `ps` shows them. */
const LAUNCHERS = /^(\S*\/)?(sh|dash|bash) -c |^npm exec |\bnpx\b|\bnpm-cli\.js\b/;

/** A process, as `ps` lists it. */
interface Listed {
  readonly parent: number;
  readonly command: string;
}

/**
 * The launchers in a list of processes: the parent, and its parents as long as they are npx or its shell.
 *
 * @param text Lines of `ps -o pid=,ppid=,args=`.
 */
export function launchersIn(text: string, parent: number): number[] {
  const processes = new Map(
    text.split("\n").flatMap((line): [number, Listed][] => {
      const [, pid, above, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return pid === undefined ? [] : [[Number(pid), { parent: Number(above), command: command! }]];
    }),
  );
  const found = [parent];
  for (;;) {
    const above = processes.get(found.at(-1)!)?.parent ?? 0;
    if (above <= 1 || found.includes(above) || !LAUNCHERS.test(processes.get(above)?.command ?? "")) {
      return found;
    }
    found.push(above);
  }
}

/** Milliseconds between two looks. */
const LOOK_MS = 1000;

/**
 * Calls back once when a launcher of this process is gone. Only for a command that `deno task` started: a parent that is a
 * shell may end while what it started goes on.
 */
export function watchLaunchers(onGone: () => void): void {
  if (Deno.env.get("INIT_CWD") === undefined || Deno.build.os === "windows") return;
  void listLaunchers().then((launchers) => {
    const timer = setInterval(() => {
      if (launchers.every(isAlive)) return;
      clearInterval(timer);
      onGone();
    }, LOOK_MS);
    Deno.unrefTimer(timer);
  });
}

async function listLaunchers(): Promise<number[]> {
  const args = ["-A", "-o", "pid=,ppid=,args="];
  try {
    const { stdout } = await new Deno.Command("ps", { args, stderr: "null" }).output();
    return launchersIn(new TextDecoder().decode(stdout), Deno.ppid);
  } catch {
    return [Deno.ppid]; // no such program
  }
}

/** Whether a process is there. SIGURG does nothing to whoever does not ask for it. */
function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGURG");
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}
