import { MillraceError } from "millrace";

/** The number that an option gives; undefined when it was not given. @throws MillraceError `MR_CONFIG_INVALID` @internal */
export function countOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new MillraceError("MR_CONFIG_INVALID", {
    what: "An option takes a number",
    where: { option },
    found: text,
    expected: "a whole number from 0",
    todo: `Give a number, such as ${option} 20`,
  });
}
