/**
 * Every error class of Beamline. Messages follow
 * `Cannot <action> "<thing>" as <rule>: <what was found>`, one line, a known remedy last after a semicolon.
 * Wrong types, dtypes and shapes are `TypeError`; values out of range are `RangeError`; bytes or text that are not the
 * format they claim are `SyntaxError`.
 *
 * @module
 */

/** A legal input that we do not handle, by design. The caller can convert it; `feature` says what is missing. */
export class UnsupportedError extends Error {
  override readonly name: string = "UnsupportedError";
  readonly code: string = "unsupported";
  constructor(message: string, readonly feature: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A tfjs kernel that has no lowering rule; the model must use another operation. */
export class NoRuleError extends UnsupportedError {
  override readonly name = "NoRuleError";
  override readonly code = "no-rule";
  constructor(message: string, readonly kernel: string, readonly layer: string) {
    super(message, kernel);
  }
}

/** A file is not the file that was declared; fetch it again. */
export class ChecksumError extends Error {
  override readonly name = "ChecksumError";
  readonly code = "checksum";
  constructor(message: string, readonly file: string, readonly expected: string, readonly actual: string) {
    super(message);
  }
}

/** A name or file that does not exist; `nearest` is the closest known name. */
export class NotFoundError extends Error {
  override readonly name = "NotFoundError";
  readonly code = "not-found";
  constructor(message: string, readonly kind: string, readonly thing: string, readonly nearest?: string) {
    super(message);
  }
}

/** Input data that are missing, corrupt or unfit, wherever they were read: exit code 2, not the plugin's fault. */
export class DataError extends Error {
  override readonly name = "DataError";
  readonly code = "data";
  constructor(message: string, readonly file?: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** One thing wrong with the configuration, and where its value came from. */
export interface ConfigIssue {
  /** Dotted path of the key, such as "model.depth". */
  readonly path: string;
  readonly message: string;
  /** "default", "preset source", "config.json", "--epochs", ... */
  readonly source: string;
  readonly nearest?: string;
}

/** The command line or configuration is wrong; `issues` lists everything found, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "config";
  constructor(message: string, readonly issues: readonly ConfigIssue[] = []) {
    super(message);
  }
}

/** Anything thrown inside a plugin, with the hook it happened in; the original is in `cause`. Exit code 4. */
export class PluginError extends Error {
  override readonly name = "PluginError";
  readonly code = "plugin";
  constructor(message: string, readonly plugin: string, readonly hook: string, options?: ErrorOptions) {
    super(`[${plugin} ${hook}] ${message}`, options);
  }
}

/**
 * The run was stopped from outside, as by Ctrl-C; a checkpoint was saved when there was something to save. Exit code 130.
 */
export class InterruptedError extends Error {
  override readonly name: string = "InterruptedError";
  readonly code: string = "interrupted";
  /** @param by What stopped it: the name of a signal, or "time-limit"; undefined where that is not known. */
  constructor(message: string, readonly by?: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * The run was stopped from outside and is to be resumed: by its time limit, or by a signal of a scheduler. Exit code 85.
 */
export class CheckpointedError extends InterruptedError {
  override readonly name = "CheckpointedError";
  override readonly code = "checkpointed";
}

/** Our own invariant is broken; please report it. Exit code 3. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  readonly code = "internal";
}
