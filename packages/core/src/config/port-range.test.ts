import { expect, test } from "vitest";
import { portRangeType } from "./port-range.ts";

test("a port, a list and ranges are ports in their order; what is written again reads the same", () => {
  const cases: readonly (readonly [unknown, readonly number[], string])[] = [
    [8081, [8081], "8081"],
    ["8081", [8081], "8081"],
    ["50100-50102", [50100, 50101, 50102], "50100-50102"],
    [" 7 , 9-10,12", [7, 9, 10, 12], "7,9-10,12"],
    ["0", [0], "0"],
  ];
  for (const [raw, ports, text] of cases) {
    expect(portRangeType.parse(raw)).toEqual({ ok: true, value: ports });
    expect(portRangeType.format(ports)).toBe(text);
    expect(portRangeType.parse(text)).toEqual({ ok: true, value: ports });
  }
});

test("what is no port, goes backwards or is too much is refused", () => {
  for (const raw of ["", "65536", "9-8", "1-2-3", "a", "-5", "1,,2", "0-20000", "1.5", null, [], 99_999]) {
    expect(portRangeType.parse(raw), String(raw)).toMatchObject({ ok: false });
  }
});
