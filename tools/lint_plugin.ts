/**
 * The rules of the code that `deno lint` does not know: layers, one place per package, no ambient input, error texts.
 * The tables are in `tools/layers.ts`; `tests/layers_test.ts` shows that each rule catches what it should.
 * A justified exception is written above the line: `// deno-lint-ignore beamline/ambient -- why`.
 *
 * @module
 */
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { type ImportProblem, importProblem, isTest, mayBeAmbient, mayPrint, roomOf } from "./layers.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Our own names in `deno.json`, with the file each maps to. */
export const OURS: ReadonlyMap<string, string> = new Map(
  Object.entries(manifest.imports)
    .filter(([, target]) => target.startsWith("./"))
    .map(([name, target]) => [name, target.slice(2)]),
);

/** Members of global objects that differ from one call to the next. */
const AMBIENT: { readonly [object: string]: readonly string[] } = {
  Math: ["random"],
  Date: ["now"],
  performance: ["now", "timeOrigin"],
  Deno: ["env"],
  process: ["env"],
  crypto: ["getRandomValues", "randomUUID"],
  Temporal: ["Now"],
};

/** Contractions, but not possessives: "doesn't" and "it's", not "the plugin's". */
const CONTRACTION =
  /\b[a-z]+n['’]t\b|\b(?:it|that|there|here|what|who|let|he|she|we|you|they|i)['’](?:s|re|ve|ll|d|m)\b/i;

/** The linted file relative to the repository, with "/"; undefined if it is outside. */
function fileOf(context: Deno.lint.RuleContext): string | undefined {
  const path = relative(ROOT, resolve(ROOT, context.filename));
  return path.startsWith("..") || isAbsolute(path) ? undefined : path.replaceAll(sep, "/");
}

/** What a visitor of imports receives for each. */
type OnImport = (
  node: Deno.lint.Node,
  specifier: string,
  how: { readonly isType?: boolean; readonly isDynamic?: boolean },
) => void;

/** Calls back for every import and re-export of a file, of values and of types, static and by `import(...)`. */
export function importVisitor(onImport: OnImport): Deno.lint.LintVisitor {
  const check = (node: Deno.lint.Node, specifier: unknown, how: Parameters<OnImport>[2]): void => {
    if (typeof specifier === "string") onImport(node, specifier, how);
  };
  return {
    ImportDeclaration(node) {
      const isType = node.importKind === "type" ||
        node.specifiers.length > 0 &&
          node.specifiers.every((one) => one.type === "ImportSpecifier" && one.importKind === "type");
      check(node, node.source.value, { isType });
    },
    ExportNamedDeclaration(node) {
      check(node, node.source?.value, { isType: node.exportKind === "type" });
    },
    ExportAllDeclaration(node) {
      check(node, node.source.value, { isType: node.exportKind === "type" });
    },
    ImportExpression(node) {
      if (node.source.type === "Literal") check(node, node.source.value, { isDynamic: true });
    },
    TSImportType(node) {
      const { argument } = node;
      if (argument.type === "TSLiteralType" && argument.literal.type === "Literal") {
        check(node, argument.literal.value, { isType: true });
      }
    },
  };
}

/** Reports imports that break one rule of {@linkcode importProblem}. */
function importRule(rule: ImportProblem["rule"]): Deno.lint.Rule {
  return {
    create(context) {
      const file = fileOf(context);
      if (file === undefined) return {};
      return importVisitor((node, specifier, how) => {
        const problem = importProblem({ file, specifier, ...how }, OURS);
        if (problem?.rule === rule) context.report({ node, message: problem.message });
      });
    },
  };
}

/** The name of a member: `a.b` and `a["b"]` give "b". */
function memberName(node: Deno.lint.MemberExpression): string | undefined {
  const { property } = node;
  if (property.type === "Identifier") return node.computed ? undefined : property.name;
  return property.type === "Literal" && typeof property.value === "string" ? property.value : undefined;
}

/** The name of the global that a member belongs to: `Math.x` and `globalThis.Math.x` give "Math". */
function ownerName({ object }: Deno.lint.MemberExpression): string | undefined {
  if (object.type === "Identifier") return object.name;
  const isGlobal = object.type === "MemberExpression" && object.object.type === "Identifier" &&
    object.object.name === "globalThis";
  return isGlobal ? memberName(object) : undefined;
}

/** Whether a member is being replaced, as the tracer does with `Math.random` and the sandbox with `console.log`. */
function isReplaced({ parent, range }: Deno.lint.MemberExpression): boolean {
  return parent.type === "AssignmentExpression" && parent.left.range[0] === range[0] &&
    parent.left.range[1] === range[1];
}

const ambient: Deno.lint.Rule = {
  create(context) {
    const file = fileOf(context);
    if (file === undefined || mayBeAmbient(file)) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({
        node,
        message:
          `Cannot use ${what} as clocks, environment and unseeded random numbers are read only in files, registry, sandbox, train, run and tasks: found in ${file}`,
        hint: "Take a generator, a time or a value as an argument",
      });
    return {
      MemberExpression(node) {
        const [owner, name] = [ownerName(node), memberName(node)];
        if (
          owner !== undefined && !isReplaced(node) && Object.hasOwn(AMBIENT, owner) &&
          AMBIENT[owner]!.includes(name ?? "")
        ) {
          report(node, `${owner}.${name}`);
        }
      },
      NewExpression(node) {
        const isDate = node.callee.type === "Identifier" && node.callee.name === "Date";
        if (isDate && node.arguments.length === 0) report(node, "new Date()");
      },
      CallExpression(node) {
        if (node.callee.type === "Identifier" && node.callee.name === "Date") report(node, "Date()");
      },
    };
  },
};

/** What writes to a stream; asking for its size or whether it is a terminal does not. */
const STREAM_MEMBERS = ["write", "writeSync", "writable"];
/** Functions that write a question to the terminal. */
const DIALOGS = ["alert", "confirm", "prompt"];

/** Whether a node is `Deno.stdout`, `Deno.stderr`, or the same of `process`. */
function isStandardStream(node: Deno.lint.Node): boolean {
  return node.type === "MemberExpression" && ["Deno", "process"].includes(ownerName(node) ?? "") &&
    ["stdout", "stderr"].includes(memberName(node) ?? "");
}

const console_: Deno.lint.Rule = {
  create(context) {
    const file = fileOf(context);
    if (file === undefined || mayPrint(file)) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({
        node,
        message:
          `Cannot print as text leaves for a terminal in tasks/terminal/print.ts, in tools/ and in bench/: found ${what} in ${file}`,
        hint: "Use what print.ts exports, or hand back a value, a warning or a progress event",
      });
    return {
      MemberExpression(node) {
        if (isReplaced(node)) return;
        if (ownerName(node) === "console") report(node, "console");
        if (STREAM_MEMBERS.includes(memberName(node) ?? "") && isStandardStream(node.object)) {
          report(node, "a standard stream");
        }
      },
      CallExpression(node) {
        const { callee } = node;
        if (callee.type === "Identifier" && DIALOGS.includes(callee.name)) report(node, callee.name);
      },
    };
  },
};

/** The fixed parts of a message, in order; `null` stands for an inserted value. */
type MessagePart = string | null;

/** The parts of a literal message; undefined when the argument is not a literal. */
function messageParts(node: Deno.lint.Node): MessagePart[] | undefined {
  if (node.type === "Literal") return typeof node.value === "string" ? [node.value] : undefined;
  if (node.type === "TemplateLiteral") {
    return node.quasis.flatMap((part, i): MessagePart[] => i === 0 ? [part.cooked] : [null, part.cooked])
      .filter((part) => part !== "");
  }
  if (node.type !== "BinaryExpression" || node.operator !== "+") return undefined;
  const left = messageParts(node.left);
  const right = messageParts(node.right);
  if (left === undefined && right === undefined) return undefined;
  return [...left ?? [null], ...right ?? [null]];
}

/** What is wrong with the form of a message. */
function messageProblem(parts: readonly MessagePart[]): string | undefined {
  const first = parts[0];
  const text = parts.map((part) => part ?? "…").join("");
  const contraction = CONTRACTION.exec(text);
  if (contraction !== null) return `it has no contraction: found "${contraction[0]}"`;
  // "<rule>: found <value>" is the end of a message; the caller knows the action and the thing.
  const isEnd = /: found\b/.test(text);
  if (first && !isEnd && /^\p{Ll}/u.test(first)) {
    return `it starts with a capital: found "${text.slice(0, 20)}"`;
  }
  if (/[^.]\.\s*$/.test(text)) return `it has no final period: found "${text.slice(-20)}"`;
  if (text.includes("\n")) return "it is one line: found a line break";
  return undefined;
}

const errorMessage: Deno.lint.Rule = {
  create(context) {
    const file = fileOf(context);
    if (file === undefined || isTest(file) || roomOf(file) === "tests") return {};
    const check = (node: Deno.lint.NewExpression | Deno.lint.CallExpression) => {
      const { callee } = node;
      if (callee.type !== "Identifier" || !/^[A-Z]\w*Error$/.test(callee.name)) return;
      const argument = node.arguments[callee.name === "AggregateError" ? 1 : 0];
      const parts = argument === undefined ? undefined : messageParts(argument);
      const problem = parts === undefined ? undefined : messageProblem(parts);
      if (problem !== undefined) {
        context.report({ node, message: `Cannot use this error message as ${problem}` });
      }
    };
    return { NewExpression: check, CallExpression: check };
  },
};

/** Lines of a function, its signature included, above which it is looked at again. */
const MOST_LINES = 60;

/** An expression without `as`, `satisfies` and `!` around it. */
function unwrapped(node: Deno.lint.Expression): Deno.lint.Expression {
  const isWrapper = node.type === "TSAsExpression" || node.type === "TSSatisfiesExpression" ||
    node.type === "TSNonNullExpression";
  return isWrapper ? unwrapped(node.expression) : node;
}

/** Whether an expression is an object or array literal, or a text such as a style sheet. */
function isLiteralTable(node: Deno.lint.Expression | null | undefined): boolean {
  return !!node && ["ObjectExpression", "ArrayExpression", "TemplateLiteral"].includes(unwrapped(node).type);
}

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/**
 * Whether a function is a table: all that it does is give back one object, array or template literal, as `() => [...]`
 * or as a body that is nothing but `return {...}`. Functions among its entries are counted on their own.
 */
function isTable({ body }: FunctionNode): boolean {
  if (!body) return false;
  if (body.type !== "BlockStatement") return isLiteralTable(body);
  const [only, ...more] = body.body;
  return only?.type === "ReturnStatement" && more.length === 0 && isLiteralTable(only.argument);
}

const functionLength: Deno.lint.Rule = {
  create(context) {
    const file = fileOf(context);
    if (file === undefined || isTest(file) || roomOf(file) === "tests") return {};
    const check = (node: FunctionNode): void => {
      const lines = context.sourceCode.getText(node).split("\n").length;
      if (lines <= MOST_LINES || isTable(node)) return;
      context.report({
        node,
        message: `Cannot follow a function at a glance as it has at most ${MOST_LINES} lines: found ${lines}`,
        hint: "Give its parts names, or make it a table: a function that only gives back a literal",
      });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "beamline",
  rules: {
    layers: importRule("layers"),
    packages: importRule("packages"),
    remote: importRule("remote"),
    private: importRule("private"),
    tests: importRule("tests"),
    ambient,
    console: console_,
    "error-message": errorMessage,
    "function-length": functionLength,
  },
};
export default plugin;
