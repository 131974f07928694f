"""The judgement of plugins/caloqvae with h5py, numpy and scipy, as the yardstick of speed.

Vectorized, float32 where that is enough, BLAS on all cores, both files read by processes of their own. It computes what
the plugin computes but the classifier: features, histograms, correlations of energies and hits, FPD, KPD, precision and
recall, and the anchors: half against half, shuffled, detuned.

    python3 caloqvae_reference.py REFERENCE GENERATED
"""
import json
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

import h5py
import numpy as np
from scipy.linalg import sqrtm

ANCHOR, NEIGHBORS, K = 20_000, 10_000, 5


def geometry(path):
    layers, start = [], 0
    with h5py.File(path) as f:
        for layer in sorted(int(k.rsplit("_", 1)[1]) for k in f if k.startswith("binstart_radius")):
            r = f[f"binstart_radius_layer_{layer}"][:] + f[f"binsize_radius_layer_{layer}"][:] / 2
            a = f[f"binstart_alpha_layer_{layer}"][:] + f[f"binsize_alpha_layer_{layer}"][:] / 2
            layers.append((layer, slice(start, start + len(r)), r, a))
            start += len(r)
    return layers


def features(x, e, layers):
    """One matrix product per layer gives all sums of energies times coordinates."""
    logs, centers, sparse = [np.log10(e), np.log10(x.sum(1) + 1e-8)], [], []
    sums = []
    for _, voxels, r, a in layers:
        part = x[:, voxels]
        eta, phi = r * np.cos(a), r * np.sin(a)
        basis = np.stack([np.ones_like(r), eta, phi, r, eta**2, phi**2, r**2], 1).astype("f4")
        s = (part @ basis).astype("f8")
        norm = s[:, :1] + 1e-16
        c = s[:, 1:4] / norm
        w = np.sqrt(np.clip(s[:, 4:7] / norm - c**2, 0, None))
        logs.append(np.log10(s[:, 0] + 1e-8))
        centers += [c / 100, w / 100]
        sparse.append(1 - (part > 0).mean(1))
        sums.append(s[:, 0])
    return np.column_stack([*logs, *centers, *sparse]), np.column_stack(sums)


def cache_of(path):
    """Where a reading process leaves the showers for the main one; pickling them would be slower."""
    return os.path.join(tempfile.gettempdir(), f"caloqvae_peer_{os.path.basename(path)}.npy")


def load(path):
    layers = geometry(path)
    with h5py.File(path) as f:
        x, e = f["showers"][:], f["incident_energies"][:].ravel()
    np.save(cache_of(path), x)
    return e, *features(x, e, layers)


def correlation(x):
    n = len(x)
    mean = x.mean(0, dtype="f8")
    z = x - mean.astype("f4")
    z /= z.std(0, ddof=1) + np.float32(1e-8)
    return z.T @ z / (n - 1)


def frobenius(a, b, layers):
    d = a - b
    return [float(np.linalg.norm(d)), *(float(np.linalg.norm(d[v, v])) for _, v, _, _ in layers)]


def frechet(a, b):
    s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    d = a.mean(0) - b.mean(0)
    return d @ d + np.trace(s1) + np.trace(s2) - 2 * np.trace(sqrtm(s1 @ s2).real)


def fpd(x, y, rng):
    m = np.abs(x).max(0)
    m[m == 0] = 1
    x, y = x / m, y / m
    n = min(len(x), len(y))
    low, high = (20_000, 50_000) if n >= 50_000 else (n / 2.5, n)
    sizes = (1 / np.linspace(1 / low, 1 / high, 10)).astype(int)
    means = [np.mean([frechet(x[rng.integers(len(x), size=s)], y[rng.integers(len(y), size=s)]) for _ in range(20)])
             for s in sizes]
    return np.polyfit(1 / sizes, means, 1)[1]


def kpd(x, y, rng):
    m = np.abs(x).max(0)
    m[m == 0] = 1
    x, y = (x / m).astype("f4"), (y / m).astype("f4")

    def kernel(p, q):
        k = p @ q.T / np.float32(p.shape[1]) + 1
        np.square(k, out=k)
        return np.square(k, out=k)

    values = []
    for _ in range(10):
        p, q = x[rng.integers(len(x), size=5000)], y[rng.integers(len(y), size=5000)]
        n = len(p)
        own = [(k.sum(dtype="f8") - np.trace(k, dtype="f8")) / (n * (n - 1)) for k in (kernel(p, p), kernel(q, q))]
        values.append(sum(own) - 2 * kernel(p, q).mean(dtype="f8"))
    return np.median(values)


def distances(a, b):
    d = a @ b.T
    d *= -2
    d += (a * a).sum(1)[:, None]
    d += (b * b).sum(1)[None]
    return d


def prdc(a, b):
    ra, rb = (np.partition(distances(m, m), K, axis=1)[:, K] for m in (a, b))
    d = distances(a, b)
    inside = d < ra[:, None]
    return [inside.any(0).mean(), (d < rb[None]).any(1).mean(), inside.sum(0).mean() / K, (d.min(1) < ra).mean()]


def log_sample(x):
    y = x[np.linspace(0, len(x) - 1, NEIGHBORS).astype(int)]
    return np.log10(np.where(y > 0, y, np.float32(0.1)))


def histograms(fa, fb, rng):
    """Separation and chi2 of every feature, with 100 Poisson replicas each."""
    for column in range(fa.shape[1]):
        a, b = fa[:, column], fb[:, column]
        for bins in (100, 30):
            edges = np.linspace(min(a.min(), b.min()), max(a.max(), b.max()) + 1e-12, bins + 1)
            p, q = np.histogram(a, edges)[0], np.histogram(b, edges)[0]
            p, q = rng.poisson(p, (100, bins)), rng.poisson(q, (100, bins))
            ((p - q) ** 2 / np.maximum(p + q, 1)).sum(1).std()


def spectrum(x, edges):
    positive = x[x > 0]
    return np.histogram(np.log10(positive), edges)[0]


def main(reference, generated):
    started = time.time()
    rng = np.random.default_rng(0)
    layers = geometry(reference)
    with ProcessPoolExecutor(2) as pool:
        loaded = list(pool.map(load, (reference, generated)))
    (ex, fx, _), (_, fy, _) = loaded
    x, y = np.load(cache_of(reference)), np.load(cache_of(generated))
    for path in (reference, generated):
        os.remove(cache_of(path))
    read = time.time() - started
    half = len(x) // 2
    edges = np.linspace(-3, np.log10(x.max()), 50)
    for s in (x, y):
        spectrum(s, edges)
    shuffled = rng.permuted(x[:ANCHOR], axis=0)
    detuned = x[:ANCHOR] * np.where(rng.random((ANCHOR, x.shape[1]), dtype="f4") < 0.1, 0, np.float32(0.9)) * np.exp(
        0.25 * rng.standard_normal((ANCHOR, x.shape[1]), dtype="f4"))
    fs, fd = features(shuffled, ex[:ANCHOR], layers)[0], features(detuned, ex[:ANCHOR], layers)[0]
    result = {}
    parts = {"reference": x, "generated": y, "first": x[:half], "second": x[half:], "shuffled": shuffled,
             "detuned": detuned, "matched": y[:half]}
    energy = {k: correlation(v) for k, v in parts.items()}
    hits = {k: correlation((v > 0).astype("f4")) for k, v in parts.items()}
    pairs = [("reference", "generated"), ("first", "second"), ("reference", "shuffled"), ("reference", "detuned"),
             ("first", "matched")]
    for a, b in pairs:
        result[f"frobenius {a} {b}"] = frobenius(energy[a], energy[b], layers)[0], frobenius(hits[a], hits[b], layers)[0]
    correlated = time.time() - started
    vectors = {"reference": fx, "generated": fy, "first": fx[:half], "second": fx[half:], "shuffled": fs, "detuned": fd,
               "matched": fy[:half]}
    for a, b in pairs:
        result[f"fpd {a} {b}"] = float(fpd(vectors[a], vectors[b], rng))
        if b == "matched":
            continue
        result[f"kpd {a} {b}"] = float(kpd(vectors[a], vectors[b], rng))
        result[f"prdc {a} {b}"] = [float(v) for v in prdc(log_sample(parts[a]), log_sample(parts[b]))]
        histograms(vectors[a], vectors[b], rng)
    result["seconds"] = {"read": read, "correlated": correlated, "all": time.time() - started}
    result["maxrss_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
