/**
 * What a task prints when it is called in the process of the test.
 *
 * @module
 */

/** What was printed, and what the work gave back. */
export interface Printed<T> {
  readonly value: T;
  readonly stdout: string;
  readonly stderr: string;
}

/** Collects what `work` prints, line by line; nothing reaches the terminal. */
export async function printed<T>(work: () => T | Promise<T>): Promise<Printed<T>> {
  const { log, error } = console;
  const [stdout, stderr]: [string[], string[]] = [[], []];
  console.log = (text: string) => void stdout.push(text);
  console.error = (text: string) => void stderr.push(text);
  try {
    const value = await work();
    return { value, stdout: stdout.join("\n"), stderr: stderr.join("\n") };
  } finally {
    console.log = log;
    console.error = error;
  }
}
