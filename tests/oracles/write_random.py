"""Writes random files with the library that owns their format, and beside each what a reader must find in it.

    python write_random.py FORMAT SEED COUNT FOLDER

FORMAT is npy, npz, safetensors, hdf5, root, csv or parquet. Files are FOLDER/<n>.<ending>; the expectation FOLDER/<n>.json holds
"arrays" (dtype, shape, little-endian elements in base64), "jagged" (offsets and values of the same form), "texts" (shape,
values), "attributes" by object, "metadata" and "unsupported" (names). The same seed gives the same files.

Made for numpy 2.2.6, h5py 3.14.0, safetensors 0.6.2, uproot 5.6.3, awkward 2.8.5, pyarrow 26.0.1.
"""
import base64
import json
import sys
from pathlib import Path

import numpy as np

NUMBERS = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1"]
WIDE = {"f2": "f4"}
NAMES = {
    "f8": "float64", "f4": "float32", "i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8",
    "u8": "uint64", "u4": "uint32", "u2": "uint16", "u1": "uint8", "b1": "bool",
}  # fmt: skip
WORDS = ["x", "pt", "größe", "with space", "a.b", "µ", "layer_0", "数", "0", "constructor", "UPPER", "e-3"]
TEXTS = ["", "a", "bc", "äöü", "🙂 smile", "a longer text with spaces", "tab\tnew\nline"]


class Random:
    def __init__(self, seed):
        self.g = np.random.default_rng(seed)

    def below(self, n):
        return int(self.g.integers(n))

    def chance(self, p):
        return bool(self.g.random() < p)

    def pick(self, choices):
        return choices[self.below(len(choices))]

    def shape(self, least=0):
        rank = max(least, self.pick([0, 1, 1, 1, 2, 2, 3, 4]))
        longest = [1, 300, 40, 8, 5][rank]
        return tuple(self.below(longest + 1) for _ in range(rank))

    def array(self, code, shape):
        """Any bits: NaN, infinities and denormal numbers among them."""
        count = int(np.prod(shape, dtype=np.int64))
        if code == "b1":
            return self.g.integers(0, 2, count).astype(bool).reshape(shape)
        size = np.dtype(code).itemsize
        if self.chance(0.3):  # small numbers, which compress
            return self.g.integers(0, 5, count).astype(code).reshape(shape)
        return np.frombuffer(self.g.bytes(count * size), "<" + code).astype(code).reshape(shape)

    def names(self, most):
        return [WORDS[i] for i in self.g.permutation(len(WORDS))[: self.below(most + 1)]]

    def texts(self, count):
        return [self.pick(TEXTS) for _ in range(count)]


def described(array):
    """An array as the expectation holds it; narrow floats are widened."""
    array = np.asarray(array)
    code = array.dtype.kind + str(array.dtype.itemsize)
    code = WIDE.get(code, code)
    plain = np.ascontiguousarray(array.astype("<" + code))
    data = base64.b64encode(plain.tobytes()).decode()
    return {"dtype": NAMES[code], "shape": list(array.shape), "data": data}


def write_npy(r, path):
    code = r.pick(NUMBERS)
    array = r.array(code, r.shape()).astype(r.pick("<>") + code)
    if r.chance(0.3):
        array = np.asfortranarray(array)
    with open(path, "wb") as file:
        np.lib.format.write_array(file, array, version=r.pick([(1, 0), (2, 0), (3, 0)]))
    return {"arrays": {"": described(array)}}


UNREADABLE = [np.array(["a", "bc"]), np.array([1 + 2j]), np.array([None, {}], dtype=object), np.zeros(2, [("a", "f4")])]


def write_npz(r, path):
    codes = {name: r.pick(NUMBERS) for name in r.names(6)}
    arrays = {name: r.array(code, r.shape()).astype(r.pick("<>") + code) for name, code in codes.items()}
    expected = {name: described(array) for name, array in arrays.items()}
    unsupported = {f"not_{n}": r.pick(UNREADABLE) for n in range(r.pick([0, 0, 0, 1, 2]) if arrays else 0)}
    save = r.pick([np.savez, np.savez_compressed])
    save(path, **arrays, **unsupported)
    return {"arrays": expected, "unsupported": sorted(unsupported)}


def write_safetensors(r, path):
    import safetensors

    kinds = {**{NAMES[code]: code for code in NAMES}, "float16": "f2"}
    tensors, expected = {}, {}
    for name in r.names(8):
        kind = r.pick([*kinds, "bfloat16", "float8_e5m2"])
        shape = r.shape()
        if kind == "bfloat16":
            stored = r.array("u2", shape)
            expected[name] = described((stored.astype("u4") << 16).view("f4") if stored.size else stored.astype("f4"))
        elif kind == "float8_e5m2":
            stored = r.array("u1", shape)
            expected[name] = described((stored.astype("u2") << 8).view("f2") if stored.size else stored.astype("f2"))
        else:
            stored = r.array(kinds[kind], shape)
            expected[name] = described(stored)
        data = np.ascontiguousarray(stored).tobytes()
        tensors[name] = {"dtype": kind, "shape": list(shape), "data": data}
    metadata = {name: r.pick(TEXTS) for name in r.names(3)}
    safetensors.serialize_file(tensors, path, metadata or None)
    return {"arrays": expected, "metadata": metadata}


def write_hdf5(r, path):
    import h5py

    out = {"arrays": {}, "texts": {}, "attributes": {}, "unsupported": []}
    options = {"libver": r.pick(["earliest", "latest", ("v108", "v110")]), "track_order": r.chance(0.3)}
    with h5py.File(path, "w", userblock_size=r.pick([0, 0, 0, 512, 2048]), **options) as f:
        for name in r.names(5):
            place = r.pick(["", "", "group/", "deep/er/", "größe:/"]) + name
            make = r.pick([hdf5_numbers, hdf5_numbers, hdf5_numbers, hdf5_text, hdf5_table, hdf5_integer])
            make(r, f, place)
            out["attributes"][place] = hdf5_attributes(r, f[place])
            if r.chance(0.2):
                f[place + " hard"] = f[place]
            if r.chance(0.2):
                f[place + " soft"] = h5py.SoftLink("/" + place)
    with h5py.File(path) as f:
        hdf5_expect(f, "", out)
    return out


def hdf5_storage(r, array):
    """Keywords of a dataset: layout, filters, what is left unwritten."""
    if array.ndim == 0 or array.size == 0 or r.chance(0.4):
        return {}
    keywords = {"chunks": tuple(1 + r.below(n) for n in array.shape)}
    number = array.dtype.kind in "iuf"
    keywords |= r.pick([{}, {"compression": "gzip", "compression_opts": r.below(10)}, {"compression": "lzf"}])
    keywords |= r.pick([{}, {"shuffle": True}, {"fletcher32": True}])
    # Of the full range HDF5 1.14.6 does not read back what it wrote through this filter.
    if array.dtype.kind in "iu" and array.dtype.itemsize > 1 and abs(array).max() < 5 and r.chance(0.3):
        keywords = {"chunks": keywords["chunks"], "scaleoffset": 0}
    if r.chance(0.2):
        keywords["maxshape"] = (None, *array.shape[1:])
    if number and r.chance(0.3) and "scaleoffset" not in keywords:
        keywords["fillvalue"] = r.below(100)
    return keywords


def hdf5_numbers(r, f, name):
    import h5py

    code = r.pick(NUMBERS)
    array = r.array(code, r.shape()).astype(r.pick("<>") + code)
    keywords = hdf5_storage(r, array)
    dtype = array.dtype
    if array.dtype.kind in "iu" and array.dtype.itemsize == 2 and r.chance(0.3):
        dtype = h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 7}, basetype=array.dtype)
        keywords.pop("scaleoffset", None)
    if array.ndim > 0 and r.chance(0.3):  # some of it, or none, is written
        dataset = f.create_dataset(name, shape=array.shape, dtype=dtype, **keywords)
        rows = r.below(array.shape[0] + 1)
        dataset[:rows] = array[:rows]
    else:
        f.create_dataset(name, data=array, dtype=dtype, **keywords)


def hdf5_text(r, f, name):
    import h5py

    shape = (r.below(20), *r.pick([(), (2,)]))
    count = int(np.prod(shape))
    if r.chance(0.5):
        array = np.array(r.texts(count), object).reshape(shape)
        dtype = h5py.string_dtype()
    else:
        array = np.array([text.encode() for text in r.texts(count)], "S30").reshape(shape)
        dtype = r.pick([array.dtype, h5py.string_dtype("utf-8", 30)])
    keywords = {"chunks": tuple(1 + r.below(n) for n in shape), "compression": "gzip"} if count and r.chance(0.5) else {}
    f.create_dataset(name, data=array.astype(dtype), dtype=dtype, **keywords)


def hdf5_table(r, f, name):
    rows = r.below(50)
    fields = []
    for n in range(1 + r.below(5)):
        code = r.pick(NUMBERS)
        fields.append((f"m{n}", r.pick("<>") + code, r.pick([(), (), (2,), (2, 3)])))
    kind = np.dtype([*fields, ("name", "S8")], align=r.chance(0.3))
    if r.chance(0.3):
        kind = np.dtype([("inner", kind), ("id", "i8")])
    table = np.zeros(rows, kind)
    part = table["inner"] if "inner" in kind.names else table
    for field, code, shape in fields:
        part[field] = r.array(code[1:], (rows, *shape))
    part["name"] = [text.encode()[:4] for text in r.texts(rows)] if rows else []
    part["name"] = [value.decode("utf-8", "ignore").encode() for value in part["name"]]
    f.create_dataset(name, data=table, **({"chunks": (1 + r.below(rows),), "compression": "gzip"} if rows else {}))


def hdf5_integer(r, f, name):
    """Integers of which not all bits count."""
    from h5py import h5d, h5p, h5s, h5t

    bits, signed = r.pick([16, 32, 64]), r.chance(0.5)
    base = getattr(h5t, f"STD_{'I' if signed else 'U'}{bits}{r.pick(['LE', 'BE'])}").copy()
    precision = bits // 2 + r.below(min(bits, 62) - bits // 2 + 1)  # HDF5 writes no more idle bits than half
    base.set_precision(precision)
    base.set_offset(r.below(bits - precision + 1))
    low, high = (-(2 ** (precision - 1)), 2 ** (precision - 1)) if signed else (0, 2**precision)
    values = r.g.integers(low, high, 1 + r.below(30), dtype="i8")
    links = h5p.create(h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    links.set_char_encoding(h5t.CSET_UTF8)
    dataset = h5d.create(f.id, name.encode(), base, h5s.create_simple(values.shape), lcpl=links)
    dataset.write(h5s.ALL, h5s.ALL, values)


def hdf5_attributes(r, item):
    expected = {}
    for n in range(r.pick([0, 0, 1, 3, 12])):
        key, kind = f"a{n}", r.below(7)
        if kind == 0:
            item.attrs[key] = expected[key] = r.pick(TEXTS)
        elif kind == 1:
            item.attrs[key] = np.array(r.texts(3), object)
            expected[key] = [str(text) for text in item.attrs[key]]
        elif kind == 2:
            value = int(r.g.integers(-(2**63), 2**63 - 1))
            item.attrs[key] = np.array(value, r.pick("<>") + "i8")
            expected[key] = {"integer": str(value)}
        elif kind == 3:
            item.attrs[key] = bool(r.below(2))
            expected[key] = bool(item.attrs[key])
        elif kind == 4:
            item.attrs[key] = value = (r.g.integers(-9, 9, (2, 3)) / 4).astype(r.pick(["f2", ">f4", "f8"]))
            expected[key] = value.tolist()
        elif kind == 5:
            item.attrs[key] = np.array([1 + 2j])  # left out
        else:
            item.attrs[key] = value = np.array([r.below(200)], r.pick(["u1", ">u4", "i2"]))
            expected[key] = value.tolist()
    return expected


def hdf5_expect(group, path, out):
    import h5py

    for name in group:
        item, at = group[name], path + name
        if isinstance(item, h5py.Group):
            hdf5_expect(item, at + "/", out)
        else:
            hdf5_columns(item[()], item.dtype, at, out)


def hdf5_columns(value, dtype, at, out):
    import h5py

    if h5py.check_string_dtype(dtype) or dtype.kind == "S":
        texts = [bytes(text).rstrip(b"\0").decode() for text in np.asarray(value, object).ravel()]
        out["texts"][at] = {"shape": list(np.shape(value)), "values": texts}
    elif dtype.names:
        for name in dtype.names:
            hdf5_columns(value[name], dtype[name].base, f"{at}/{name}", out)
    else:
        out["arrays"][at] = described(value)


def write_root(r, path):
    import awkward as ak
    import uproot

    rows = r.below(200)
    codes = [code for code in NUMBERS if code != "f2"]
    branches, out = {}, {"arrays": {}, "jagged": {}}
    for n in range(1 + r.below(5)):
        code = r.pick(codes)
        if r.chance(0.5):
            branches[f"flat_{n}"] = array = r.array(code, (rows, *r.pick([(), (), (3,)])))
            out["arrays"][f"flat_{n}"] = described(array)
        else:
            counts = r.g.integers(0, 5, rows)
            values = r.array(code, (int(counts.sum()),))
            branches[f"jagged_{n}"] = ak.unflatten(values, counts)
            offsets = np.concatenate([[0], np.cumsum(counts)]).astype("i8")
            out["arrays"][f"njagged_{n}"] = described(counts.astype("i4"))  # the branch of the counter
            out["jagged"][f"jagged_{n}"] = {"offsets": described(offsets), "values": described(values)}
    with uproot.recreate(path, compression=r.pick([None, uproot.ZLIB(1), uproot.LZ4(1), uproot.ZSTD(1)])) as f:
        f["t"] = branches
    return out


def table_columns(r, rows):
    """Columns of one length, of which text files hold every number exactly (float as Python's repr)."""
    codes = [code for code in NUMBERS if code != "f2"]
    return {f"{name} {n}": r.array(r.pick(codes), (rows,)) for n, name in enumerate(r.names(6) or ["x"])}


def write_csv(r, path):
    import csv

    rows = r.below(60)
    columns = table_columns(r, rows)
    out = {"arrays": {name: described(array) for name, array in columns.items()}}
    order = [*columns, "words"]
    cells = {name: array.tolist() for name, array in columns.items()}
    cells["words"] = r.texts(rows)
    delimiter = r.pick([",", ",", ";", "\t"])
    quoting = r.pick([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    with open(path, "w", newline="", encoding=r.pick(["utf-8", "utf-8-sig"])) as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=r.pick(["\n", "\r\n"]))
        writer.writerow(order)
        writer.writerows(zip(*(cells[name] for name in order)))
    return {**out, "metadata": {"delimiter": delimiter}}


def write_parquet(r, path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = r.below(400)
    columns = table_columns(r, rows)
    arrays, out = {}, {"arrays": {}}
    for name, array in columns.items():
        missing = r.g.random(rows) < 0.2 if r.chance(0.4) and array.dtype.kind == "f" else np.zeros(rows, bool)
        arrays[name] = pa.array(array, mask=missing)
        out["arrays"][name] = described(np.where(missing, array.dtype.type(np.nan), array) if missing.any() else array)
    half = r.array("f2", (rows,))
    arrays["half"], out["arrays"]["half"] = pa.array(half), described(half)
    arrays["words"] = pa.array(r.texts(rows), pa.string())
    dictionary = r.pick([True, False])
    encodings = r.pick([None, "BYTE_STREAM_SPLIT"]) if not dictionary else None
    split = {n: encodings for n, a in columns.items() if a.dtype.kind == "f"} if encodings else None
    pq.write_table(
        pa.table(arrays),
        path,
        row_group_size=1 + r.below(200),
        compression=r.pick(["none", "snappy", "gzip", "zstd", "lz4"]),
        use_dictionary=dictionary,
        column_encoding=split,
        data_page_version=r.pick(["1.0", "2.0"]),
        data_page_size=r.pick([64, 1024, 1 << 20]),
        write_page_index=r.chance(0.5),
    )
    return out


WRITERS = {
    "csv": (write_csv, "csv"),
    "parquet": (write_parquet, "parquet"),
    "npy": (write_npy, "npy"),
    "npz": (write_npz, "npz"),
    "safetensors": (write_safetensors, "safetensors"),
    "hdf5": (write_hdf5, "h5"),
    "root": (write_root, "root"),
}


def main(kind, seed, count, folder):
    write, ending = WRITERS[kind]
    for n in range(int(count)):
        path = Path(folder) / f"{n}.{ending}"
        expected = write(Random([int(seed), n]), str(path))
        path.with_suffix(".json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main(*sys.argv[1:])
