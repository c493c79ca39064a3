import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeXml, parseXml, textOf, XmlError } from "./xml.ts";

test("an answer is read with its attributes passed over, and its entities and CDATA as what they stand for", () => {
  const root = parseXml(
    `<?xml version="1.0" encoding="UTF-8"?>\n<A xmlns="http://x/"><B>1 &lt; 2 &amp;amp; &#65;&#x42;&unknown;</B><!-- <B>2</B> --><C/><B a="b">x<![CDATA[<&>]]></B></A>\n`,
  );
  expect(root.name).toBe("A");
  expect(root.children.map(({ name, text }) => [name, text])).toEqual([
    ["B", "1 < 2 &amp; AB&unknown;"],
    ["C", ""],
    ["B", "x<&>"],
  ]);
  expect(textOf(root, "B")).toBe("1 < 2 &amp; AB&unknown;");
  expect(textOf(root, "D")).toBeUndefined();
});

test("what is not one whole document is refused, wherever it was cut", () => {
  const whole = "<A><B>text</B><C/></A>";
  for (let length = 0; length < whole.length; length++) {
    expect(() => parseXml(whole.slice(0, length)), whole.slice(0, length)).toThrow(XmlError);
  }
  for (const text of ["<A></B>", "<A/><B/>", "text", "<A>", "</A>", "<A><B></A></B>", "<html><br></html>", "<A/>x"]) {
    expect(() => parseXml(text), text).toThrow(XmlError);
  }
});

test("what is escaped is read as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(textOf(parseXml(`<A><B>${escapeXml(text)}</B></A>`), "B")).toBe(text);
    }),
  );
});
