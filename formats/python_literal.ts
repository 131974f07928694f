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

/** Makes the error of a text that is not a literal from what was found. */
type Fail = (found: string) => SyntaxError;

/** A recursive-descent parser of one literal that fills the text. Linear in its length. */
export function parseLiteral(text: string, fail: Fail): Literal {
  return new LiteralParser(text, fail).parse();
}

/** The parser: always one token ahead. */
class LiteralParser {
  #at = 0;
  #token: { text: string; value?: Literal } = { text: "" };

  constructor(readonly text: string, readonly fail: Fail) {}

  parse(): Literal {
    this.#next();
    const result = this.#value(0);
    this.#take("end");
    return result;
  }

  #next(): void {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.text);
    if (match === null) {
      if (this.text.slice(this.#at).trim() !== "") {
        throw this.fail(`cannot parse character ${this.#at} of the header`);
      }
      this.#at = this.text.length;
      this.#token = { text: "end" };
      return;
    }
    this.#at = TOKEN.lastIndex;
    const [, single, double, digits, word, mark] = match;
    if (mark !== undefined) this.#token = { text: mark };
    else if (word !== undefined) this.#token = { text: word, value: CONSTANTS[word]! };
    else if (digits !== undefined) this.#token = { text: "number", value: Number(digits) };
    else this.#token = { text: "string", value: single ?? double! };
  }

  #take(mark: string): void {
    if (this.#token.text !== mark) {
      throw this.fail(`expected "${mark}" before character ${this.#at} of the header`);
    }
    this.#next();
  }

  #value(depth: number): Literal {
    if (depth > MAX_DEPTH) throw this.fail("it is nested too deeply");
    const { text: mark, value: constant } = this.#token;
    this.#next();
    if (constant !== undefined) return constant;
    if (mark === "(") return this.#items(")", depth + 1);
    if (mark === "[") return this.#items("]", depth + 1);
    if (mark === "{") return this.#dictionary(depth + 1);
    throw this.fail(`cannot parse character ${this.#at} of the header`);
  }

  #items(close: string, depth: number): Literal[] {
    const list: Literal[] = [];
    while (this.#token.text !== close) {
      list.push(this.#value(depth));
      if (this.#token.text !== ",") break;
      this.#next();
    }
    this.#take(close);
    return list;
  }

  #dictionary(depth: number): Literal {
    const map = new Map<string, Literal>();
    while (this.#token.text !== "}") {
      const key = this.#value(depth);
      if (typeof key !== "string" || map.has(key)) throw this.fail("a key is not a text or appears twice");
      this.#take(":");
      map.set(key, this.#value(depth));
      if (this.#token.text !== ",") break;
      this.#next();
    }
    this.#take("}");
    return map;
  }
}
