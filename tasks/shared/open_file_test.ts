import assert from "node:assert/strict";
import { ConfigError } from "../../core/errors.ts";
import { openFile } from "./open_file.ts";

Deno.test("openFile() names the program that is missing and what to do instead", async () => {
  await assert.rejects(openFile("a.html", ["beamline-no-such-viewer"]), (error: Error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(
      error.message,
      /Cannot open "a.html" as there is no program "beamline-no-such-viewer"; open the file/,
    );
    return true;
  });
});
