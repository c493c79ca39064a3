import { expect, test } from "vitest";
import { feedbackAt, impressionAt } from "../../examples/online-model/impressions.ts";
import onlineModel from "../../examples/online-model/job.ts";
import type { Score } from "../../examples/online-model/scorer.ts";
import { executeExample, expectRows, killAndResume, runExample } from "../support/example-run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const pathOf = temporaryDirectory();

/** Learns and scores in one loop over both streams in the order of their times. */
function expectedScores(count: number): readonly Score[] {
  const scores: Score[] = [];
  let [w0, w1, w2, bias] = [0, 0, 0, 0];
  let used: { version: number; parameters: readonly number[] } | undefined;
  const probabilityOf = (parameters: readonly number[], [f0, f1, f2]: readonly number[]): number =>
    1 / (1 + Math.exp(-(parameters[3]! + parameters[0]! * f0! + parameters[1]! * f1! + parameters[2]! * f2!)));
  for (let index = 0; index < count; index++) {
    // Both streams have one record every half second: the feedback of an instant counts for the impression of that instant.
    const { features, isClicked } = feedbackAt(index);
    const step = 0.3 * ((isClicked ? 1 : 0) - probabilityOf([w0, w1, w2, bias], features));
    [w0, w1, w2, bias] = [w0 + step * features[0]!, w1 + step * features[1]!, w2 + step * features[2]!, bias + step];
    if ((index + 1) % 100 === 0) used = { version: (index + 1) / 100, parameters: [w0, w1, w2, bias] };
    const impression = impressionAt(index);
    const probability = used === undefined ? 0.5 : probabilityOf(used.parameters, impression.features);
    scores.push({ id: impression.id, version: used?.version ?? 0, probability });
  }
  return scores;
}

test("S65: model parameters in broadcast state score every record as one loop over both streams does", async () => {
  const output = pathOf("run");
  const { code, text } = await runExample("online-model", { output, parallelism: 2 });
  expect(code, text).toBe(0);
  expect(text).toContain("model 60:");
  await expectRows(output, "scores", expectedScores(6_000));
}, 180_000);

test("S65: the same scores of the model come out of the module's default export", async () => {
  const output = pathOf("module");
  await executeExample(onlineModel, ["--output", output, "--impressions", "1000"]);
  await expectRows(output, "scores", expectedScores(1_000));
});

test("S65: killed in the middle and resumed, the model goes on learning from where it was", async () => {
  const output = pathOf("killed");
  const args = ["--impressions", "4000", "--rate", "1000"];
  const { code, text } = await killAndResume("online-model", {
    output,
    args,
    parallelism: 2,
    checkpointInterval: "200 ms",
  });
  expect(code, text).toBe(0);
  await expectRows(output, "scores", expectedScores(4_000));
}, 180_000);
