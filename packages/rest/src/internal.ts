/** What Millrace's own tests put together otherwise. No promises to anybody. */

export { JarStore } from "./jar-store.ts";
export { createRestApp } from "./rest-app.ts";
export type { RestBackend } from "./rest-backend.ts";
