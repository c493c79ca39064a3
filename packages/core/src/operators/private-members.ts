/** Looks for #private members in the text of a class: the only place where they show. */

/** Space, comments and strings. */
const SKIPPED = /(?:\s+|\/\/.*|\/\*[\s\S]*?\*\/|'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*")+/y;
const WORD = /[\p{ID_Continue}$]+/uy;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+\/\w*/y;
/** Of a template, up to its end or to the next expression. */
const TEMPLATE_TEXT = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y;
/** Behind these words an expression begins: a slash there is no division. */
const BEFORE_EXPRESSION: ReadonlySet<string> = new Set(
  "return typeof case in of delete void throw new else do yield await instanceof".split(" "),
);

/**
 * Whether the class whose text it is declares a member with a #private name of its own: such a name directly in its body. What
 * comments, strings and templates hold is no declaration, and what a class within a method declares is that class's.
 */
export function declaresPrivateMember(source: string): boolean {
  /** Brackets and templates that are open. */
  const open: string[] = [];
  /** The word or sign before the place. */
  let before = "";
  let at = 0;
  const past = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const [text = ""] = pattern.exec(source) ?? [];
    at += text.length;
    return text;
  };
  while (at < source.length) {
    if (open.at(-1) === "`") {
      past(TEMPLATE_TEXT);
      if (source[at] === "`") open.pop();
      else open.push(source.slice(at, ++at));
      at++;
      before = "`";
      continue;
    }
    past(SKIPPED);
    const sign = source[at] ?? "";
    if (sign === "#" && open.length === 1) return true;
    if (sign === "/" && beginsExpression(before) && past(REGEX) !== "") {
      before = "/";
      continue;
    }
    const word = past(WORD);
    before = word === "" ? sign : word;
    if (word !== "") continue;
    at++;
    if (sign === "`" || sign === "(" || sign === "[" || sign === "{") open.push(sign);
    else if (sign === ")" || sign === "]" || sign === "}") open.pop();
  }
  return false;
}

// A regular expression right behind the parenthesis of an `if` counts as a division, as long as nobody writes such a thing.
function beginsExpression(before: string): boolean {
  return BEFORE_EXPRESSION.has(before) || !/[\p{ID_Continue}$)\]}`/]$/u.test(before);
}
