import { createNodePlatform, FileSystems } from "millrace/internal";
import { readSettings, type SettingOptions } from "./settings.ts";

/** Where checkpoints and savepoints are, as the configuration file and `-D` say. @throws MillraceError as `readSettings` @internal */
export function snapshotFiles(options: SettingOptions): FileSystems {
  return FileSystems.of(createNodePlatform(), readSettings(options));
}
