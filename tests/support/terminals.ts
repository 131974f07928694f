/**
 * Commands in a real terminal, whose keys reach every process in it: by util-linux's `script`.
 *
 * @module
 */
import { ROOT } from "./trial.ts";

/** Whether a program is here. */
function has(program: string, ...args: string[]): Promise<boolean> {
  return new Deno.Command(program, { args, cwd: ROOT, stdin: "null", stdout: "null", stderr: "null" })
    .output().then(({ success }) => success, () => false);
}

/** Whether terminals can be opened here. */
export async function hasTerminals(): Promise<boolean> {
  const isThere = Deno.build.os === "linux" && await has("script", "--version");
  if (!isThere) console.log("skipped: no program script of util-linux, which makes terminals");
  return isThere;
}

/** The command that runs this version of Deno through `npx`, where it is here and need not be fetched. */
export async function npxDeno(): Promise<readonly string[] | undefined> {
  const command = ["npx", "--no", `deno@${Deno.version.deno}`];
  if (await has(command[0]!, ...command.slice(1), "--version")) return command;
  console.log(`skipped: npx does not have deno@${Deno.version.deno}`);
  return undefined;
}

/** Ctrl-C, as a terminal takes it from the keyboard. */
export const CTRL_C = "\x03";

/** A terminal with one command in it. */
export class Terminal {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #text = "";
  #isOver = false;

  /** @param command Program and arguments, without characters that a shell would change. */
  constructor(command: readonly string[], env: { readonly [name: string]: string } = {}) {
    this.#child = new Deno.Command("script", {
      args: ["-qec", command.join(" "), "/dev/null"],
      cwd: ROOT,
      env: { TERM: "xterm", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** What was printed so far. */
  get text(): string {
    return this.#text;
  }

  /** Whether the command has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Types. */
  async type(keys: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(keys)).catch(() => {}); // the command has ended
  }

  /** Closes the terminal, as the button of its window does. */
  close(): void {
    this.#child.kill("SIGKILL");
  }

  /** Waits for the end; the exit code is that of a shell, 128 and the signal where one ended the command. */
  async end(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    await this.#writer.close().catch(() => {});
    return code;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) this.#text += decoder.decode(bytes, { stream: true });
    this.#isOver = true;
  }
}
