import assert from "node:assert/strict";
import { NotFoundError, UnsupportedError } from "../../core/errors.ts";
import { useEngine } from "./engine.ts";

Deno.test("useEngine() gives back a name it knows, and the nearest of one it does not", async () => {
  assert.equal(await useEngine("native"), "native");
  assert.equal(await useEngine("reference"), "reference");
  await assert.rejects(useEngine("nativ"), (error: NotFoundError) => {
    assert.ok(error instanceof NotFoundError);
    assert.match(error.message, /did you mean "native"/);
    return true;
  });
});

Deno.test("useEngine() tries a provider out before anything else is done", async () => {
  await assert.rejects(
    useEngine("native:none"),
    (error: Error) => error instanceof UnsupportedError || error instanceof NotFoundError,
  );
});
