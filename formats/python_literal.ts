/**
 * The literals of Python that stand in the headers of `.npy` files: texts without escapes, whole numbers, True, False,
 * None, tuples, lists, dictionaries. Nothing is evaluated.
 *
 * @module
 */

/** The part of Python's literals that headers use; tuples and lists are arrays, dictionaries are maps. */
export type Literal = string | number | boolean | null | readonly Literal[] | ReadonlyMap<string, Literal>;

const TOKEN = /\s*(?:'([^'\\]*)'|"([^"\\]*)"|([+-]?\d+)L?|(True|False|None)|([{}()[\],:]))/y;
const CONSTANTS: { readonly [word: string]: Literal } = { True: true, False: false, None: null };
const MAX_DEPTH = 8;

/** A recursive-descent parser of one literal that fills the text. Linear in its length. */
export function parseLiteral(text: string, fail: (found: string) => SyntaxError): Literal {
  let at = 0;
  let token: { text: string; value?: Literal } = { text: "" };

  const next = (): void => {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) {
      if (text.slice(at).trim() !== "") throw fail(`cannot parse character ${at} of the header`);
      at = text.length;
      token = { text: "end" };
      return;
    }
    at = TOKEN.lastIndex;
    const [, single, double, digits, word, mark] = match;
    if (mark !== undefined) token = { text: mark };
    else if (word !== undefined) token = { text: word, value: CONSTANTS[word]! };
    else if (digits !== undefined) token = { text: "number", value: Number(digits) };
    else token = { text: "string", value: single ?? double! };
  };

  const take = (mark: string): void => {
    if (token.text !== mark) throw fail(`expected "${mark}" before character ${at} of the header`);
    next();
  };

  const items = (close: string, depth: number): Literal[] => {
    const list: Literal[] = [];
    while (token.text !== close) {
      list.push(value(depth));
      if (token.text !== ",") break;
      next();
    }
    take(close);
    return list;
  };

  const dictionary = (depth: number): Literal => {
    const map = new Map<string, Literal>();
    while (token.text !== "}") {
      const key = value(depth);
      if (typeof key !== "string" || map.has(key)) throw fail("a key is not a text or appears twice");
      take(":");
      map.set(key, value(depth));
      if (token.text !== ",") break;
      next();
    }
    take("}");
    return map;
  };

  const value = (depth: number): Literal => {
    if (depth > MAX_DEPTH) throw fail("it is nested too deeply");
    const { text: mark, value: constant } = token;
    next();
    if (constant !== undefined) return constant;
    if (mark === "(") return items(")", depth + 1);
    if (mark === "[") return items("]", depth + 1);
    if (mark === "{") return dictionary(depth + 1);
    throw fail(`cannot parse character ${at} of the header`);
  };

  next();
  const result = value(0);
  take("end");
  return result;
}
