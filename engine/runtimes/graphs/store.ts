/**
 * State tensors of a native session: where their numbers lie, in two copies that take turns.
 *
 * A program reads one copy and writes the other, then they change places, so that no state is copied between calls and
 * no program overwrites what it still reads. Several tensors may lie one after the other in one *flat* state, which a program
 * can then read and write as a whole (see `engine/passes/flat_update.ts`); each of them stays a tensor of its own.
 *
 * @module
 */
import { sizeOf } from "../../../core/types.ts";
import { InternalError } from "../../../core/errors.ts";
import type { Ort, OrtTensor } from "./ort_types.ts";
import { checkTensor, copyTensor } from "../arrays.ts";
import type { Tensors } from "../types.ts";

/** Memory that changes places as a whole. */
interface Cell {
  /** The second copy is made when a program first writes. */
  readonly copies: [OrtTensor, OrtTensor | undefined];
  /** The copy that holds the present state. */
  side: 0 | 1;
}

/** Where a tensor lies. */
interface Place {
  readonly cell: Cell;
  readonly offset: number;
  /** The tensor in each copy of its cell. */
  readonly views: [OrtTensor, OrtTensor | undefined];
}

/** The state of one session. */
export class StateStore {
  readonly #ort: Ort;
  /** Places of tensors and of flat states. */
  readonly #places = new Map<string, Place>();
  readonly #names: readonly string[];
  readonly #flatOf = new Map<string, string>();
  /** What lies in the cells of flat states. */
  readonly #members = new Map<Cell, readonly { readonly name: string; readonly flat: string }[]>();
  /** Grows when a tensor moves: calls bound before are bound again. */
  version = 0;

  constructor(ort: Ort, state: Tensors) {
    this.#ort = ort;
    this.#names = Object.keys(state);
    for (const [name, tensor] of Object.entries(state)) {
      checkTensor(`open session with state "${name}"`, tensor, tensor);
      const copy = ort.tensor(tensor.dtype, tensor.shape);
      copy.data.set(tensor.data);
      const cell: Cell = { copies: [copy, undefined], side: 0 };
      this.#places.set(name, { cell, offset: 0, views: [copy, undefined] });
    }
  }

  /** The tensor that holds the present numbers of a state or flat state; undefined for unknown names. */
  find(name: string): OrtTensor | undefined {
    const place = this.#places.get(name);
    return place?.views[place.cell.side];
  }

  /** The tensor that holds the present numbers. */
  present(name: string): OrtTensor {
    const tensor = this.find(name);
    if (!tensor) throw new InternalError(`Cannot read state as it must exist: found no "${name}"`);
    return tensor;
  }

  /** The tensor that will hold the numbers after {@linkcode turn}. */
  next(name: string): OrtTensor {
    const { cell, views } = this.#places.get(name)!;
    if (!cell.copies[1]) this.#addCopy(cell);
    return views[1 - cell.side]!;
  }

  /** Which tensors there are and which lie one after the other, as text: equal layouts take equal flat states. */
  get layout(): string {
    return JSON.stringify([this.#names, [...this.#members.values()]]);
  }

  /** Which copy holds the present numbers. */
  side(name: string): 0 | 1 {
    return this.#places.get(name)!.cell.side;
  }

  /**
   * Makes the numbers written to {@linkcode next} the present ones.
   *
   * Tensors of one flat state lie in one cell, which turns once however many of them were written. Members that were not
   * written are taken along: their numbers are copied to the side that becomes the present one.
   */
  turn(names: readonly string[]): void {
    const written = new Set(names);
    const cells = new Set(names.map((name) => this.#places.get(name)!.cell));
    for (const cell of cells) {
      this.#keepOthers(cell, written);
      cell.side = cell.side === 0 ? 1 : 0;
    }
  }

  /** Copies what lies in a cell and was not written, unless the cell was written as a whole. */
  #keepOthers(cell: Cell, written: ReadonlySet<string>): void {
    const inside = this.#members.get(cell) ?? [];
    if (inside.length === 0 || written.has(inside[0]!.flat)) return;
    for (const { name } of inside) {
      if (written.has(name)) continue;
      const { views } = this.#places.get(name)!;
      views[1 - cell.side]!.data.set(views[cell.side]!.data as Float32Array);
    }
  }

  /**
   * Lays float32 tensors one after the other under the name `flat`.
   *
   * @returns False, and nothing changes, if one of them lies in another flat state already.
   */
  flatten(flat: string, members: readonly string[]): boolean {
    const known = members.map((member) => this.#flatOf.get(member));
    if (known.every((name) => name === flat)) return this.#hasMembers(flat, members);
    if (known.some((name) => name !== undefined) || this.#places.has(flat)) return false;
    const sizes = members.map((member) => sizeOf(this.present(member).shape));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const whole = this.#ort.tensor("float32", [total]);
    const cell: Cell = { copies: [whole, undefined], side: 0 };
    this.#places.set(flat, { cell, offset: 0, views: [whole, undefined] });
    this.#members.set(cell, members.map((name) => ({ name, flat })));
    let offset = 0;
    members.forEach((member, i) => {
      const old = this.#places.get(member)!;
      const present = this.present(member);
      const view = this.#ort.tensor("float32", present.shape, {
        tensor: whole as OrtTensor<"float32">,
        offset,
      });
      view.data.set(present.data as Float32Array);
      this.#release(old);
      this.#places.set(member, { cell, offset, views: [view, undefined] });
      this.#flatOf.set(member, flat);
      offset += sizes[i]!;
    });
    this.version++;
    return true;
  }

  /** Copies of all state tensors, in the order given at first. */
  read(): Tensors {
    return Object.fromEntries(this.#names.map((name) => [name, copyTensor(this.present(name))]));
  }

  /** Replaces the numbers of some state tensors. */
  write(state: Tensors): void {
    for (const [name, tensor] of Object.entries(state)) this.present(name).data.set(tensor.data);
  }

  /** Frees all handles. */
  dispose(): void {
    for (const place of this.#places.values()) this.#release(place);
    this.#places.clear();
  }

  #hasMembers(flat: string, members: readonly string[]): boolean {
    const inside = [...this.#flatOf].filter(([, name]) => name === flat).map(([member]) => member);
    return inside.length === members.length && inside.every((member, i) => member === members[i]);
  }

  #addCopy(cell: Cell): void {
    const whole = this.#ort.tensor(cell.copies[0].dtype, cell.copies[0].shape);
    cell.copies[1] = whole;
    for (const place of this.#places.values()) {
      if (place.cell !== cell) continue;
      const [first] = place.views;
      place.views[1] = first === cell.copies[0]
        ? whole
        : this.#ort.tensor(first.dtype, first.shape, { tensor: whole, offset: place.offset });
    }
  }

  #release({ views }: Place): void {
    for (const view of views) if (view) this.#ort.release(view);
  }
}
