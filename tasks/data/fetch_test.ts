import assert from "node:assert/strict";
import { ConfigError, DataError, NotFoundError } from "../../core/errors.ts";
import { printed } from "../../tests/support/printed.ts";
import { downloadArguments, fetchData } from "./fetch.ts";

const ORDER = {
  files: [{ file: "a.npy", url: "https://example.org/a.npy" }],
  out: "/data/trial",
  again: false,
  allowPrivate: false,
  isJson: true,
  isQuiet: false,
};

Deno.test("downloadArguments() opens the network and one folder, and nothing else", () => {
  const args = downloadArguments(ORDER, false);
  assert.deepEqual(args.filter((arg) => arg.startsWith("--allow")), [
    "--allow-net",
    "--allow-read=/data/trial",
    "--allow-write=/data/trial",
  ]);
  const denied = args.find((arg) => arg.startsWith("--deny-net="));
  assert.match(denied!, /127\.0\.0\.0\/8.*169\.254\.0\.0\/16.*\[::1\]/);
  assert.ok(
    !downloadArguments({ ...ORDER, allowPrivate: true }, false).some((arg) => arg.startsWith("--deny")),
  );
  assert.ok(args.includes("--no-prompt") && args.includes("--cached-only") && args.includes("--no-remote"));
  const script = args.findIndex((arg) => arg.endsWith("download.ts"));
  assert.deepEqual(args.slice(script + 1), ["--json"]);
  assert.deepEqual(downloadArguments({ ...ORDER, isJson: false }, true).slice(script + 1), ["--verbose"]);
  assert.throws(() => downloadArguments({ ...ORDER, out: "/data/a,/home" }, false), ConfigError);
  assert.ok(Deno.statSync(args[script]!).isFile);
});

Deno.test("fetchData() prints its help, and refuses unknown flags and plugins", async () => {
  const { value, stdout } = await printed(() => fetchData("ecal", ["--help"]));
  assert.equal(value, 0);
  assert.match(stdout, /^Usage: deno task data fetch ecal/);
  await assert.rejects(fetchData("ecal", ["--agin"]), (error: ConfigError) => {
    assert.equal(error.issues[0]!.nearest, "--again");
    return true;
  });
  await assert.rejects(fetchData("ecl", []), NotFoundError);
});

Deno.test("fetchData() refuses a plugin that names no files, and names what may help", async () => {
  await assert.rejects(fetchData("ecal", []), (error: Error) => {
    assert.ok(error instanceof DataError);
    assert.match(error.message, /its manifest must name files: found none; "deno task data simulate ecal"/);
    return true;
  });
});
