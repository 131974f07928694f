/**
 * Baskets: some thousand entries of one branch, one record each.
 *
 * | record | bytes |
 * |---|---|
 * | key of class TBasket | see `container.ts` |
 * | version | 2 |
 * | fBufferSize; fNevBufSize, and if that is negative one more byte | 4 each |
 * | fNevBuf, the entries; fLast, the end of the data counted from the key on | 4 each |
 * | flag | 1 |
 * | data, compressed together with what follows: the entries | fLast - fKeylen |
 * | unless all entries have one length: how many offsets, and the offsets, counted from the key on | 4 each |
 *
 * @see <https://root.cern/doc/v640/TBasket_8cxx_source.html>
 * @module
 */
import type { ByteSource } from "../byte_source.ts";
import { type Key, parseKey, readRecord, type RecordScratch } from "./container.ts";
import { type Cursor, damage } from "./cursor.ts";
import { decodeElements } from "./decode.ts";
import { type BasketFields, type EmbeddedBasket, parseBasketFields } from "./objects.ts";
import type { BasketPlace } from "./tree_model.ts";

/** The entries of a basket. */
export interface Basket {
  readonly entries: number;
  readonly data: Uint8Array;
  /** Entry i is `data` from `offsets[i]` up to, not including, `offsets[i + 1]`; missing if none were stored. */
  readonly offsets: Int32Array | undefined;
}

/** Reads a basket. @throws {SyntaxError} If it is damaged. */
export async function readBasket(
  source: ByteSource,
  place: BasketPlace,
  scratch: RecordScratch,
): Promise<Basket> {
  const basket = "seek" in place.at
    ? await readStored(source, place.at.seek, place.at.bytes, scratch)
    : unwrap(place.at);
  if (basket.entries !== place.end - place.first) {
    throw damage(`the basket must have ${place.end - place.first} entries`, basket.entries);
  }
  return basket;
}

const parseBasketKey = (cursor: Cursor): Key & BasketFields => ({
  ...parseKey(cursor),
  ...parseBasketFields(cursor),
});

const INT32 = { dtype: "int32", width: 4 } as const;

async function readStored(
  source: ByteSource,
  seek: number,
  bytes: number,
  scratch: RecordScratch,
): Promise<Basket> {
  const { key, data: all } = await readRecord(source, seek, bytes, "TBasket", parseBasketKey, scratch);
  const { entries, keyBytes, last } = key;
  const end = last - keyBytes;
  if (!(end >= 0 && end <= all.length)) {
    throw damage(
      `the data of the basket at byte ${seek} must end within it`,
      `${end} of ${all.length} bytes`,
    );
  }
  const data = all.subarray(0, end);
  if (all.length < end + 4) return { entries, data, offsets: undefined };
  const count = (all.length - end - 4) >> 2;
  const stored = decodeElements(all.subarray(end + 4, end + 4 + 4 * count), INT32) as Int32Array;
  return { entries, data, offsets: toOffsets(stored, entries, keyBytes, end) };
}

function unwrap({ entries, offsets, keyBytes, bytes }: EmbeddedBasket): Basket {
  const data = bytes.subarray(keyBytes);
  const found = offsets === undefined ? undefined : toOffsets(offsets, entries, keyBytes, data.length);
  return { entries, data, offsets: found };
}

/** Offsets into the data, which rise from 0 to its end. */
function toOffsets(
  stored: ArrayLike<number>,
  entries: number,
  keyBytes: number,
  end: number,
): Int32Array {
  if (!(entries >= 0 && stored.length >= entries)) {
    throw damage(`the basket must have the offsets of ${entries} entries`, stored.length);
  }
  const offsets = new Int32Array(entries + 1);
  let before = 0;
  for (let i = 0; i < entries; i++) {
    const offset = stored[i]! - keyBytes;
    if (offset < before || offset > end) {
      throw damage(`offsets must rise up to ${end}`, `${offset} after ${before} in entry ${i} of the basket`);
    }
    offsets[i] = before = offset;
  }
  offsets[entries] = end;
  return offsets;
}
