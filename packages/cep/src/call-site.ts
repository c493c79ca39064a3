import { type UserCall, userCall } from "millrace/internal";

/** This package's sources or build, as it starts the frames of a stack trace. */
const packageUrl: string = new URL("./", import.meta.url).href;

/** Describes the call of the user that is running now. */
export function patternCall(method: string): UserCall {
  return userCall(method, packageUrl);
}
