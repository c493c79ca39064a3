/** As `stored-state.ts`, for what runs the build: loaded into the processes and threads of tests by `test-on-rocksdb.mjs`. */
import { OBJECT_CACHE_ENTRIES, STATE_BACKEND_TYPE } from "millrace";

Object.assign(STATE_BACKEND_TYPE, { default: "rocksdb" });
Object.assign(OBJECT_CACHE_ENTRIES, { default: 16 });
