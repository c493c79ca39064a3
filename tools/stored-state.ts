/** Before every test file that runs the sources: what `npm run test:rocksdb` asks for. */
import { OBJECT_CACHE_ENTRIES, STATE_BACKEND_TYPE } from "millrace";

if (process.env["MILLRACE_TEST_STATE"] === "rocksdb") {
  Object.assign(STATE_BACKEND_TYPE, { default: "rocksdb" });
  Object.assign(OBJECT_CACHE_ENTRIES, { default: Number(process.env["MILLRACE_TEST_STATE_CACHE"] ?? 16) });
}
