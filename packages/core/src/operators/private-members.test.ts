import { expect, test } from "vitest";
import { cloneFunction } from "./clone-function.ts";
import { declaresPrivateMember } from "./private-members.ts";

test.each([
  "class A { #count = 0; next() { return ++this.#count; } }",
  "class A { next() { return 1 / 2; } #count; }",
  "class A { static #made = 0 }",
  "class A extends mixin({ a: 1 }) { async *#items() {} }",
  "class A { get #ä() { return `${{ a: '}' }.a} \\` }`; } }",
  "class A { a = /[/#{]/; #b }",
  "class A{a(){return`${`}`}`}#b=1}",
])("S26: a #private member is seen: %s", (source) => {
  expect(declaresPrivateMember(source)).toBe(true);
});

test.each([
  "class A { /* see #count */ count = 0; // and #other\n }",
  "class A { tag = ' #sale'; other = \" #sale\"; }",
  "class A { tag = ` #sale ${1 + `{ #more`} #end`; }",
  "class A { tag = /\\s#sale/; split(s) { return s.split(/ #{/) } }",
  "class A { make() { return new (class { #count = 0; }) } }",
  "class A { half(n) { return n / 2 /* #a */ / 1; } }",
])("S26: what only looks like one is not: %s", (source) => {
  expect(declaresPrivateMember(source)).toBe(false);
});

test("S26: a function object whose text speaks of #tags is copied like any other", () => {
  class Tags {
    readonly tags: string[] = [" #sale", ` #new ${1}`];
    /* Not a field: #tag */
    map(text: string): boolean {
      return this.tags.includes(text) || / #[a-z]/.test(text);
    }
  }
  const original = new Tags();
  const copy = cloneFunction(original, "op");
  expect(copy).not.toBe(original);
  expect(copy.tags).toEqual(original.tags);
});
