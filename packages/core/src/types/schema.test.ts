import * as fc from "fast-check";
import { expect, test } from "vitest";
import { t } from "./declared-types.ts";
import { describeSchema, parseSchema, sameSchema } from "./schema.ts";

const Everything = t.object({
  ["__proto__"]: t.literal("a", 1, true),
  list: t.optional(t.array(t.nullable(t.tuple([t.int32, t.int64, t.float64, t.timestamp])))),
  by: t.map(t.bigint, t.set(t.bytes)),
  free: t.any,
  json: t.json,
  flag: t.boolean,
  text: t.string,
});

test("a schema survives JSON unchanged", () => {
  const parsed = parseSchema(JSON.stringify(Everything.schema));
  expect(parsed).toEqual(Everything.schema);
  expect(sameSchema(parsed!, Everything.schema)).toBe(true);
});

test("text that is no schema gives none, whatever it is", () => {
  fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => parseSchema(text) === undefined));
  const broken = [
    '{"kind":"strin"}',
    '{"kind":"literal","values":[]}',
    '{"kind":"literal","values":[null]}',
    '{"kind":"object","fields":[{"name":"a","schema":{"kind":"string"}}]}',
    '{"kind":"object","fields":[{"name":1,"optional":false,"schema":{"kind":"string"}}]}',
    `{"kind":"object","fields":[${['{"name":"a","optional":false,"schema":{"kind":"string"}}', '{"name":"a","optional":true,"schema":{"kind":"int32"}}']}]}`,
    '{"kind":"tuple","items":{}}',
    '{"kind":"array"}',
    '{"kind":"map","key":{"kind":"string"}}',
    `${'{"kind":"array","item":'.repeat(200)}{"kind":"any"}${"}".repeat(200)}`,
  ];
  for (const text of broken) expect(parseSchema(text), text).toBeUndefined();
});

test("parts that no schema has are dropped", () => {
  expect(parseSchema('{"kind":"array","item":{"kind":"any","x":1},"__proto__":{"y":1}}')).toEqual({
    kind: "array",
    item: { kind: "any" },
  });
});

test("a schema is described in the words of its declaration", () => {
  expect(describeSchema(Everything.schema)).toBe(
    'object({ __proto__: "a" | 1 | true, list: optional(array(nullable(tuple([int32, int64, float64, timestamp])))), ' +
      "by: map(bigint, set(bytes)), free: any, json: json, flag: boolean, text: string })",
  );
});
