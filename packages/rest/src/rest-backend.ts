import type { Configuration } from "millrace";
import type { Clock, JobManagerApi } from "millrace/internal";
import type { JarStore } from "./jar-store.ts";

/** What the routes of the REST API are answered from. @internal */
export interface RestBackend {
  readonly api: JobManagerApi;
  readonly jars: JarStore;
  /** The JobManager's own settings. */
  readonly configuration: Configuration;
  readonly clock: Clock;
  /** Where clients reach it: `http://localhost:8081`. */
  readonly url: () => string;
  readonly onWarning: (text: string) => void;
  /** Ends the process; undefined when nobody may ask for that. */
  readonly onShutDown: (() => void) | undefined;
}
