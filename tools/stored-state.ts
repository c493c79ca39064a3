/** Before every test file: with `MILLRACE_TEST_STATE=rocksdb` jobs keep their state in sorted stores unless they say otherwise. */
import { OBJECT_CACHE_ENTRIES, STATE_BACKEND_TYPE } from "millrace";

if (process.env["MILLRACE_TEST_STATE"] === "rocksdb") {
  Object.assign(STATE_BACKEND_TYPE, { default: "rocksdb" });
  Object.assign(OBJECT_CACHE_ENTRIES, { default: 16 });
}
