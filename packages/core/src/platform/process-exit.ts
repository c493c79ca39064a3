import { MillraceError } from "../base/errors.ts";

/**
 * Makes `process.exit` throw from now on: code of a job would end, behind its back, all that runs beside it. As an error the call
 * has a stack and a culprit.
 *
 * @param where - What would end, for the message: "a worker thread".
 * @returns What `process.exit` was before, for the owner of the thread or process.
 * @internal
 */
export function refuseProcessExit(where: string): (code?: number | string | null) => never {
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    throw new MillraceError("MR_PROCESS_EXIT", {
      what: `process.exit was called in ${where}`,
      found: `process.exit(${code ?? ""})`,
      expected: "a function that throws when the job cannot go on",
      todo: "Throw an error instead, or cancel the job through its client",
    });
  };
  return exit;
}
