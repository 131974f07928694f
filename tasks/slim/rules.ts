/**
 * Which files of installed packages Beamline never loads, as a table, and the pure function that applies it.
 *
 * @module
 */

/** Files of one package that may go. */
export interface SlimRule {
  /** The package as npm names it; "*" for every package. */
  readonly package: string;
  /**
   * Paths inside the package, with "/". A match with a group named `system` is kept where the group is the system that
   * runs, such as `linux/x64`.
   */
  readonly files: RegExp;
  /** Why nothing misses them. */
  readonly reason: string;
}

/** Every rule; the first that matches a file is the one that is reported. Type declarations are never named here. */
export const SLIM_RULES: readonly SlimRule[] = [
  {
    package: "onnxruntime-node",
    files: /^bin\/napi-v\d+\/(?<system>[^/]+\/[^/]+)\//,
    reason: "native library of another system",
  },
  {
    package: "onnxruntime-web",
    files: /^dist\/ort-wasm-simd-threaded\.(jsep|jspi|asyncify)\.(wasm|mjs)$/,
    reason: "WebAssembly build for WebGPU and WebNN in browsers; the CPU build serves one thread and several",
  },
  {
    package: "onnxruntime-web",
    files: /^dist\/ort(?!\.node\.min\.mjs$)[^-]*\.m?js$/,
    reason: "bundle for browsers, or for require(); Deno loads ort.node.min.mjs",
  },
  {
    package: "@tensorflow/tfjs-core",
    files: /^dist\/(?!tf-core\.node\.js$).*\.js$/,
    reason: "the same code for browsers and bundlers; Deno loads tf-core.node.js",
  },
  {
    package: "@tensorflow/tfjs-layers",
    files: /^dist\/(?!tf-layers\.node\.js$).*\.js$/,
    reason: "the same code for browsers and bundlers; Deno loads tf-layers.node.js",
  },
  {
    package: "@tensorflow/tfjs-backend-cpu",
    files: /^dist\/(?!tf-backend-cpu\.node\.js$).*\.js$/,
    reason: "the same code for browsers and bundlers; Deno loads tf-backend-cpu.node.js",
  },
  {
    package: "h5wasm",
    files: /^(dist\/(iife|esm)|test)\//,
    reason: "builds for browsers; Deno loads dist/node",
  },
  {
    package: "@zip.js/zip.js",
    files: /^(dist\/zip(?!-web-worker).*\.js|index(-native)?\.(min\.js|cjs))$/,
    reason: "bundles for browsers, or for require(); Deno loads index.js and lib",
  },
  { package: "zod", files: /^src\//, reason: "sources of the compiled files beside them" },
  { package: "linkedom", files: /^worker\.js$/, reason: "bundle for browser workers" },
  { package: "@observablehq/plot", files: /^dist\/.*\.js$/, reason: "bundles for browsers; Deno loads src" },
  { package: "protobufjs", files: /^dist\/.*\.js$/, reason: "bundles for browsers" },
  { package: "*", files: /\.map$/, reason: "source map; used by debuggers alone" },
];

/** A file of an installed package. */
export interface PackageFile {
  /** The package as npm names it. */
  readonly package: string;
  /** Path inside the package, with "/". */
  readonly path: string;
  /** Absolute path. */
  readonly file: string;
  /** Size on disk. */
  readonly bytes: number;
}

/** A file that may go, and why. */
export interface Removal extends PackageFile {
  readonly rule: SlimRule;
}

/** The system that runs, as packages with native libraries name it: `linux/x64`, `darwin/arm64`, `win32/x64`. */
export function systemName({ os, arch }: { readonly os: string; readonly arch: string }): string {
  const names: { readonly [name: string]: string } = { windows: "win32", x86_64: "x64", aarch64: "arm64" };
  return `${names[os] ?? os}/${names[arch] ?? arch}`;
}

/** Whether a rule lets a file go on a system. */
export function mayGo(rule: SlimRule, file: PackageFile, system: string): boolean {
  if (rule.package !== "*" && rule.package !== file.package) return false;
  const match = rule.files.exec(file.path);
  return match !== null && match.groups?.["system"] !== system;
}

/**
 * The files that may go, in the order given.
 *
 * @param files All files of all packages.
 * @param system See {@linkcode systemName}.
 */
export function planRemovals(files: readonly PackageFile[], system: string): Removal[] {
  return files.flatMap((file) => {
    const rule = SLIM_RULES.find((rule) => mayGo(rule, file, system));
    return rule === undefined ? [] : [{ ...file, rule }];
  });
}
