import assert from "node:assert/strict";
import { join } from "node:path";
import { encodeNpy } from "../../formats/npy.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { printed } from "../../tests/support/printed.ts";
import { download, progressLine } from "./download.ts";

Deno.test("progressLine() prints a line per tenth of a file where there is no terminal", async () => {
  const { stderr } = await printed(() => {
    const line = progressLine(false);
    for (let bytes = 0; bytes <= 1000; bytes += 10) line("a.npy", bytes, 1000);
  });
  const lines = stderr.split("\n");
  assert.equal(lines.length, 11);
  assert.equal(lines[0], "a.npy  0 B  0 %");
  assert.equal(lines[5], "a.npy  500 B  50 %");
  assert.equal(lines[10], "a.npy  1.0 kB  100 %");
});

Deno.test("progressLine() prints a line per 10 MB where the size is not known, and begins again with each file", async () => {
  const { stderr } = await printed(() => {
    const line = progressLine(false);
    for (const megabytes of [0, 5, 10, 15, 20]) line("a", megabytes * 1e6, undefined);
    line("b", 2e7, undefined);
  });
  assert.deepEqual(stderr.split("\n"), ["a  0 B", "a  10 MB", "a  20 MB", "b  20 MB"]);
});

Deno.test("download() says which files it wrote, and which were there", async () => {
  const bytes = encodeNpy({ dtype: "int32", shape: [2], data: Int32Array.of(1, 2) });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(bytes),
  );
  try {
    await withTempDir(async (out) => {
      const files = [{ file: "a.npy", url: `http://127.0.0.1:${server.addr.port}/a.npy` }];
      const order = { files, out, again: false, allowPrivate: true, isJson: false, isQuiet: true };
      const path = join(out, "a.npy");
      const first = await printed(() => download(order));
      assert.equal(first.value, 0);
      assert.equal(first.stdout, `wrote   ${path}  (${bytes.length} B)`);
      assert.equal((await printed(() => download(order))).stdout, `there   ${path}  (${bytes.length} B)`);
      const json = await printed(() => download({ ...order, isJson: true }));
      assert.deepEqual(JSON.parse(json.stdout), { files: [{ path, bytes: bytes.length, fetched: false }] });
    });
  } finally {
    await server.shutdown();
  }
});
