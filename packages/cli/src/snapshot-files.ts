import { createNodePlatform, FileSystems, StateSnapshot } from "millrace/internal";
import { readSettings, type SettingOptions } from "./settings.ts";

/** Where checkpoints and savepoints are, as the configuration file and `-D` say. @throws MillraceError as `readSettings` @internal */
export function snapshotFiles(options: SettingOptions): FileSystems {
  return FileSystems.of(createNodePlatform(), readSettings(options));
}

/** A checkpoint or savepoint, to look into. @throws MillraceError as `readSettings` and `loadCheckpoint` @internal */
export function openSnapshot(options: SettingOptions, path: string): Promise<StateSnapshot> {
  return StateSnapshot.on(createNodePlatform(), readSettings(options), path);
}
