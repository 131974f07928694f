/** The folder of the framework. */
export const ROOT: string = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** Flags of a task of the framework: its permissions, and how V8 runs. */
export async function taskFlags(task: string): Promise<string[]> {
  const config = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  return (config.tasks[task].command as string).split(" ").filter((part) => part.startsWith("--"));
}
