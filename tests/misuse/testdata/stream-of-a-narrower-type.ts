import type { DataStream } from "millrace";

declare const mixed: DataStream<string | number>;
// expect-error: Type 'number' is not assignable to type 'string'
export const texts: DataStream<string> = mixed;
