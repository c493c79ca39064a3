import { expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { CheckpointConfig } from "./checkpoint-config.ts";

const interval = (value: string) => [{ key: "execution.checkpointing.interval", value }];

test("disableCheckpointing takes back the interval of code and file; the command line's stays, and a later one holds", () => {
  const checkpoints = new CheckpointConfig(Configuration.fromLayers({ file: interval("5 s"), code: interval("1 s") }));
  expect(checkpoints.isCheckpointingEnabled()).toBe(true);
  expect(checkpoints.disableCheckpointing().isCheckpointingEnabled()).toBe(false);
  expect(checkpoints.setCheckpointInterval("2 s").getCheckpointInterval()).toBe(2000);
  const layers = { "command line": interval("3 s"), code: interval("1 s") };
  const given = new CheckpointConfig(Configuration.fromLayers(layers));
  expect(given.disableCheckpointing().getCheckpointInterval()).toBe(3000);
});
