/**
 * The systems that Beamline knows: what was tried there, and which walls around a plugin they offer.
 * `docs/platforms.md` says the same at length.
 *
 * @module
 */

/** A program that is looked for. */
export interface Tool {
  readonly program: string;
  readonly args: readonly string[];
  readonly purpose: string;
  readonly remedy: string;
}

/** What is known of a system. */
export interface Platform {
  /** As people call it. */
  readonly name: string;
  /** What was tried, in one line. */
  readonly state: string;
  readonly wallTools: readonly Tool[];
}

/** Programs of Linux. */
const LINUX_WALLS: readonly Tool[] = [
  {
    program: "prlimit",
    args: ["--version"],
    purpose: "memory limit of the sandbox",
    remedy: "package util-linux",
  },
  {
    program: "bwrap",
    args: ["--version"],
    purpose: "second wall around the sandbox",
    remedy: "package bubblewrap",
  },
];

/** By operating system and processor of `Deno.build`. */
export const PLATFORMS: { readonly [system: string]: Platform } = {
  "linux/x86_64": { name: "Linux x64", state: "tried", wallTools: LINUX_WALLS },
  "linux/aarch64": { name: "Linux arm64", state: "not tried", wallTools: LINUX_WALLS },
  "darwin/aarch64": {
    name: "macOS arm64",
    state: "not tried; Deno's permissions are the only wall",
    wallTools: [],
  },
  "darwin/x86_64": {
    name: "macOS x64",
    state: "not tried; no native library, use --engine wasm; Deno's permissions are the only wall",
    wallTools: [],
  },
  "windows/x86_64": {
    name: "Windows x64",
    state: "not tried; Deno's permissions are the only wall",
    wallTools: [],
  },
  "windows/aarch64": {
    name: "Windows arm64",
    state: "not tried; Deno's permissions are the only wall",
    wallTools: [],
  },
};

/** The entry of a system; one that is not in the table was not tried. */
export function platformOf({ os, arch }: { readonly os: string; readonly arch: string }): Platform {
  const system = `${os}/${arch}`;
  return PLATFORMS[system] ??
    { name: system, state: "not tried", wallTools: os === "linux" ? LINUX_WALLS : [] };
}
