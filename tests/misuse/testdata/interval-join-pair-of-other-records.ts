import { byOrigin, texts } from "../flights.ts";

byOrigin
  .intervalJoin(texts.keyBy((text) => text))
  .between("-1 min", "1 min")
  // expect-error: Property 'delay' does not exist on type 'string'
  .process<number>({ processElement: (left, right, _context, out) => out.collect(left.delay + right.delay) });
