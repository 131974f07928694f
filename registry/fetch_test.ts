import assert from "node:assert/strict";
import { ChecksumError, DataError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { encodeNpy } from "../formats/npy.ts";
import { fetchFiles, type FetchOptions } from "./fetch.ts";

const ARRAY = encodeNpy({
  dtype: "float64",
  shape: [500],
  data: Float64Array.from({ length: 500 }, (_, i) => i),
});
const PAGE = "<!DOCTYPE html><html><body>share page</body></html>";

/** What the local server answers; `asked` holds the range of each request. */
interface Site {
  readonly url: string;
  readonly asked: (string | null)[];
}

/** Serves the array under /a.npy with ranges, a page under /page.npy, and ends early once under /early.npy. */
async function withSite(test: (site: Site, out: string) => Promise<void>): Promise<void> {
  const asked: (string | null)[] = [];
  let isEarly = true;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    const range = request.headers.get("range");
    asked.push(range);
    if (pathname === "/page.npy") return new Response(PAGE, { headers: { "content-type": "text/html" } });
    if (pathname === "/early.npy" && isEarly) {
      isEarly = false;
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(ARRAY.slice(0, 1000));
          setTimeout(() => controller.error(new Error("line cut")), 100);
        },
      });
      return new Response(body, { headers: { etag: '"v1"' } });
    }
    if (pathname !== "/a.npy" && pathname !== "/early.npy") return new Response("none", { status: 404 });
    const headers = { etag: '"v1"' };
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    if (start === 0 || request.headers.get("if-range") !== '"v1"') {
      return new Response(ARRAY.slice(), { headers });
    }
    return new Response(ARRAY.slice(start), {
      status: 206,
      headers: { ...headers, "content-range": `bytes ${start}-${ARRAY.length - 1}/${ARRAY.length}` },
    });
  });
  const out = await Deno.makeTempDir();
  try {
    await test({ url: `http://127.0.0.1:${server.addr.port}`, asked }, out);
  } finally {
    await server.shutdown();
    await Deno.remove(out, { recursive: true });
  }
}

const names = (folder: string): string[] => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

async function refusal(
  url: string,
  options: FetchOptions & { sha256?: string; file?: string },
): Promise<Error & { code?: string }> {
  const { sha256, file = "a.npy", ...rest } = options;
  return await fetchFiles([{ file, url, sha256 }], rest).then(
    () => assert.fail("no error"),
    (error) => error,
  );
}

Deno.test("fetchFiles() writes the file under its name and reports the bytes", async () => {
  await withSite(async ({ url }, out) => {
    const told: number[] = [];
    const [file] = await fetchFiles(
      [{ file: "a.npy", url: `${url}/a.npy`, sha256: sha256Hex(ARRAY) }],
      { allowPrivate: true, out: `${out}/new`, onProgress: (_, bytes) => told.push(bytes) },
    );
    assert.deepEqual(file, { path: `${out}/new/a.npy`, isKept: false, bytes: ARRAY.length });
    assert.deepEqual(Deno.readFileSync(file!.path), ARRAY);
    assert.equal(told.at(-1), ARRAY.length);
    assert.deepEqual(names(`${out}/new`), ["a.npy"]);
  });
});

Deno.test("fetchFiles() keeps a file that is there, unless asked for it again", async () => {
  await withSite(async ({ url, asked }, out) => {
    const files = [{ file: "a.npy", url: `${url}/a.npy` }];
    await fetchFiles(files, { allowPrivate: true, out });
    const [kept] = await fetchFiles(files, { allowPrivate: true, out });
    assert.equal(kept!.isKept, true);
    assert.equal(asked.length, 1);
    const [fetched] = await fetchFiles(files, { allowPrivate: true, out, again: true });
    assert.equal(fetched!.isKept, false);
    assert.equal(asked.length, 2);
  });
});

Deno.test("fetchFiles() rejects a web page in place of the file and says what to do by hand", async () => {
  await withSite(async ({ url }, out) => {
    const error = await refusal(`${url}/page.npy`, { allowPrivate: true, out });
    assert.ok(error instanceof DataError);
    assert.equal(
      error.message,
      `Cannot fetch "a.npy" as it must begin as a .npy file does: found a web page at ${url}/page.npy; ` +
        `open ${url}/page.npy in a browser, download the file there and save it as "${out}/a.npy"`,
    );
    assert.deepEqual(names(out), []);
  });
});

Deno.test("fetchFiles() rejects a page that was saved under the file's name before", async () => {
  await withSite(async ({ url }, out) => {
    Deno.writeTextFileSync(`${out}/a.npy`, PAGE);
    assert.match((await refusal(`${url}/a.npy`, { allowPrivate: true, out })).message, /found a web page/);
  });
});

Deno.test("fetchFiles() rejects another checksum and leaves nothing", async () => {
  await withSite(async ({ url }, out) => {
    const error = await refusal(`${url}/a.npy`, { allowPrivate: true, out, sha256: "0".repeat(64) });
    assert.ok(error instanceof ChecksumError);
    assert.equal(error.actual, sha256Hex(ARRAY));
    assert.deepEqual(names(out), []);
  });
});

Deno.test("fetchFiles() continues where an interrupted download stopped", async () => {
  await withSite(async ({ url, asked }, out) => {
    const file = { file: "a.npy", url: `${url}/early.npy`, sha256: sha256Hex(ARRAY) };
    const error = await fetchFiles([file], { allowPrivate: true, out }).then(
      () => assert.fail("no error"),
      (error) => error,
    );
    assert.match(
      error.message,
      /^Cannot fetch "a.npy" as all of it must arrive: .*; the same command continues from there$/,
    );
    assert.deepEqual(names(out), ["a.npy.part", "a.npy.part.version"]);
    await fetchFiles([file], { allowPrivate: true, out });
    assert.deepEqual(asked, [null, "bytes=1000-"]);
    assert.deepEqual(Deno.readFileSync(`${out}/a.npy`), ARRAY);
    assert.deepEqual(names(out), ["a.npy"]);
  });
});

Deno.test("fetchFiles() starts again when the server has another version", async () => {
  await withSite(async ({ url }, out) => {
    Deno.writeTextFileSync(`${out}/a.npy.part`, "old bytes");
    Deno.writeTextFileSync(`${out}/a.npy.part.version`, '"v0"');
    await fetchFiles([{ file: "a.npy", url: `${url}/a.npy` }], { allowPrivate: true, out });
    assert.deepEqual(Deno.readFileSync(`${out}/a.npy`), ARRAY);
  });
});

Deno.test("fetchFiles() rejects a status, a server that is not there, and a name that leads out", async () => {
  await withSite(async ({ url }, out) => {
    assert.equal(
      (await refusal(`${url}/none.npy`, { allowPrivate: true, out })).message,
      `Cannot fetch "a.npy" as the server must give it: found HTTP status 404 at ${url}/none.npy`,
    );
    // Port 9 (discard) of this machine is not served.
    assert.match(
      (await refusal("http://127.0.0.1:9/a.npy", { allowPrivate: true, out })).message,
      /as the server must be reachable: /,
    );
    assert.match(
      (await refusal(`${url}/a.npy`, { allowPrivate: true, out, file: "../a.npy" })).message,
      /leads out/,
    );
    assert.deepEqual(names(out), []);
  });
});

Deno.test("fetchFiles() connects to no private address unless it is asked to, also when it is sent on", async () => {
  await withSite(async ({ url, asked }, out) => {
    const port = new URL(url).port;
    for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"]) {
      const error = await refusal(`http://${host}:${port}/a.npy`, { out });
      assert.ok(error instanceof DataError);
      assert.match(
        error.message,
        /must have a public address: found .*; if this is meant, add --allow-private$/,
      );
    }
    assert.match((await refusal("file:///etc/passwd", { out })).message, /must begin with http or https/);
    assert.match((await refusal("file:///etc/passwd", { allowPrivate: true, out })).message, /http or https/);
    assert.deepEqual([asked, names(out)], [[], []]);
  });
});

Deno.test("fetchFiles() follows where it is sent on to, checks each place, and gives up in the end", async () => {
  const places: { readonly [path: string]: string } = {
    "/one.npy": "/two.npy",
    "/file.npy": "file:///etc/passwd",
    "/loop.npy": "/loop.npy",
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const location = places[new URL(request.url).pathname];
    return location === undefined
      ? new Response(ARRAY.slice())
      : new Response(null, { status: 302, headers: { location } });
  });
  const out = await Deno.makeTempDir();
  try {
    const url = `http://127.0.0.1:${server.addr.port}`;
    await fetchFiles([{ file: "a.npy", url: `${url}/one.npy` }], { allowPrivate: true, out });
    assert.deepEqual(Deno.readFileSync(`${out}/a.npy`), ARRAY);
    const options = { allowPrivate: true, out, file: "b.npy" };
    assert.match(
      (await refusal(`${url}/file.npy`, options)).message,
      /must begin with http or https: found file:/,
    );
    assert.match((await refusal(`${url}/loop.npy`, options)).message, /sent on at most 20 times/);
  } finally {
    await server.shutdown();
    await Deno.remove(out, { recursive: true });
  }
});
