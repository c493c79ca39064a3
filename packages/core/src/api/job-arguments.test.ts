import fc from "fast-check";
import { expect, test } from "vitest";
import { checkArgumentsAsked, parseJobArguments } from "./job-arguments.ts";

test("F31: keys, flags and positionals of a job's arguments are told apart", () => {
  const args = parseJobArguments([
    "in.parquet",
    "--limit",
    "10",
    "--out=a=b",
    "--fast",
    "--offset",
    "-5",
    "--",
    "--x",
    "y",
  ]);
  expect(args.positionals).toEqual(["in.parquet", "--x", "y"]);
  expect(args.names).toEqual(["limit", "out", "fast", "offset"]);
  expect(args.number("limit")).toBe(10);
  expect(args.number("offset", 1)).toBe(-5);
  expect(args.get("out")).toBe("a=b");
  expect([args.flag("fast"), args.flag("slow"), args.has("fast"), args.has("slow")]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

test("F31: a default stands for a missing argument, and only for that", () => {
  const args = parseJobArguments(["--empty="]);
  expect(args.get("name", "x")).toBe("x");
  expect(args.number("count", 3)).toBe(3);
  expect(args.get("empty", "x")).toBe("");
});

test("whatever is passed as --key=value comes back", () => {
  const names = fc.stringMatching(/^[a-z][a-z-]{0,8}$/);
  fc.assert(
    fc.property(fc.dictionary(names, fc.string()), (values) => {
      const args = parseJobArguments(Object.entries(values).map(([name, value]) => `--${name}=${value}`));
      for (const [name, value] of Object.entries(values)) expect(args.get(name)).toBe(value);
      expect(args.positionals).toEqual([]);
    }),
  );
});

test.each([
  ["a missing value", () => parseJobArguments([]).get("in"), /--in\)\. Found: nothing/],
  ["a missing number", () => parseJobArguments([]).number("n"), /--n\)\. Found: nothing\. Expected: a number/],
  ["text in place of a number", () => parseJobArguments(["--n", "ten"]).number("n", 1), /Found: "ten"/],
  ["an infinite number", () => parseJobArguments(["--n=Infinity"]).number("n"), /Found: "Infinity"/],
  ["an empty number", () => parseJobArguments(["--n"]).number("n"), /Found: ""/],
  ["a flag with a value", () => parseJobArguments(["--fast", "yes"]).flag("fast"), /Expected: true or false/],
  ["a key that comes twice", () => parseJobArguments(["--a", "1", "--a=2"]), /Found: the argument twice/],
  ["a key without a name", () => parseJobArguments(["--=1"]), /Found: no name/],
] as const)("%s is refused", (_title, read, message) => {
  expect(read).toThrow(
    expect.objectContaining({ code: "MR_JOB_ARGUMENT_INVALID", message: expect.stringMatching(message) }),
  );
});

test("an argument that looks like one the job has is refused, any other is told of", () => {
  const args = parseJobArguments(["--outptu", "mine", "--verbose", "--limit", "3"]);
  args.get("output", "out");
  args.number("limit", 1);
  expect(() => checkArgumentsAsked(args)).toThrow(/MR_JOB_ARGUMENT_INVALID.*--outptu.*--output/);
  const others = parseJobArguments(["--verbose", "--limit", "3"]);
  others.get("output", "out");
  others.number("limit", 1);
  expect(checkArgumentsAsked(others)).toEqual(["verbose"]);
});
