/**
 * What a file says of a class: its members in the order in which they are stored.
 *
 * @module
 */

/** One member of a class. */
export interface Member {
  readonly name: string;
  /** The comment behind it, where ranges of narrow floats stand. */
  readonly title: string;
  /** TVirtualStreamerInfo::EReadWrite. */
  readonly type: number;
  /** The C++ type. */
  readonly typeName: string;
  /** Elements of a fixed array; 0 if it is none. */
  readonly length: number;
  /** The member that counts the elements, of arrays whose length varies. */
  readonly counter: string | undefined;
}

/** The members of one version of a class. */
export interface ClassLayout {
  readonly className: string;
  readonly version: number;
  /** 0 if it is not known. */
  readonly checksum: number;
  readonly members: readonly Member[];
}
