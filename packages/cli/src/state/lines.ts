/** Standard output for many lines: no faster than whoever reads them, and no longer than somebody does. */
import { once } from "node:events";

/** Lines that are collected before they are written. */
const BATCH_CHARACTERS = 64 * 2 ** 10;

/**
 * Writes lines as they come, and returns what their source returns. Ends early, without a failure, when nobody reads on, as
 * behind `| head`.
 *
 * @internal
 */
export async function writeLines<R>(lines: AsyncGenerator<string, R, undefined>): Promise<R | undefined> {
  const out = process.stdout;
  let failure: (Error & { readonly code?: string }) | undefined;
  const onError = (error: Error): void => {
    failure = error;
  };
  out.on("error", onError);
  try {
    for (let batch = ""; ; ) {
      const next = await lines.next();
      if (next.done !== true) batch += `${next.value}\n`;
      if (batch.length >= BATCH_CHARACTERS || (next.done === true && batch !== "")) {
        if (!out.write(batch)) await Promise.race([once(out, "drain"), once(out, "close")]).catch(onError);
        batch = "";
      }
      if (failure !== undefined) {
        if (failure.code !== "EPIPE") throw failure;
        // Closes the files that are being read.
        await lines.return(undefined as R);
        return undefined;
      }
      if (next.done === true) return next.value;
    }
  } finally {
    out.off("error", onError);
  }
}
