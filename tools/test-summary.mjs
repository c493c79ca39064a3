/**
 * Prints the last line of a check run, "N passed, N failed[, N skipped]", from vitest's JSON report, and exits with 1
 * unless all is well.
 *
 * A test file that could not be loaded has no tests to fail, and a failed step other than the tests has none either:
 * each counts as one failure, so that the line never says "0 failed" over a red run.
 *
 *     node tools/test-summary.mjs <report.json> [failed step]...
 */
import { readFileSync } from "node:fs";

const [reportPath, ...failedSteps] = process.argv.slice(2);
const report = readReport(reportPath);

const brokenFiles = report.testResults.filter(
  (file) => file.status === "failed" && !file.assertionResults.some((result) => result.status === "failed"),
).length;
const brokenSteps = failedSteps.filter((step) => step !== "test").length;
const passed = report.numPassedTests;
let failed = report.numFailedTests + brokenFiles + brokenSteps;
// The test step can fail without a failing test, for example on an unhandled rejection.
if (failed === 0 && (failedSteps.length > 0 || passed === 0)) failed = 1;
const skipped = report.numPendingTests + report.numTodoTests;

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed === 0 ? 0 : 1;

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    console.log(`the test run left no readable report: ${cause.message}`);
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  }
}
