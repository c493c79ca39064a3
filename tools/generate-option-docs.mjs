/**
 * Writes docs/reference/options.md from the definitions in packages/core/src/config. With --check it writes nothing and
 * fails when the file is not what would be written.
 *
 *     node --import tsx tools/generate-option-docs.mjs [--check]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allOptions } from "../packages/core/src/config/all-options.ts";
import { repositoryRoot } from "./source-files.mjs";

const path = "docs/reference/options.md";
const file = join(repositoryRoot, path);
const text = page();

if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
} else if (readIfThere(file) === text) {
  console.log(`${path}: up to date`);
} else {
  console.error(`${path} does not match packages/core/src/config; run: npm run docs`);
  process.exitCode = 1;
}

function page() {
  return `# Options

Set in the job with \`env.configure(...)\`, on the command line with \`-D key=value\`, or in a configuration file. The command
line wins over the job, the job over the file, the file over the default. Unknown keys, duplicate keys and values of the
wrong type or unit are refused before anything starts, all at once.

Durations are milliseconds or a number with a unit (\`ms\`, \`s\`, \`min\`, \`h\`, \`d\`), also ISO-8601 (\`PT10S\`). Memory sizes are
bytes or a whole number with a unit (\`b\`, \`kb\`, \`mb\`, \`gb\`, \`tb\`); 1 kb is 1024 bytes.

This page is generated from \`packages/core/src/config\` by \`npm run docs\`.
${allOptions.map(section).join("")}`;
}

function section(group) {
  return `\n## ${group.title}\n${group.options.map(entry).join("")}`;
}

function entry(option) {
  const notes = [
    `- Type: ${option.type.name}`,
    `- Default: ${option.default === undefined ? "none" : `\`${option.type.format(option.default)}\``}`,
    ...(option.legacyKeys.length === 0 ? [] : [`- Old names: ${option.legacyKeys.map(quoted).join(", ")}`]),
    ...(option.isUnsupported ? ["- Not implemented yet: setting it is an error (`MR_CONFIG_UNSUPPORTED`)"] : []),
    ...(option.unsupportedValues.length === 0
      ? []
      : [
          `- Not implemented yet: ${option.unsupportedValues.map((value) => quoted(option.type.format(value))).join(", ")}`,
        ]),
  ];
  return `\n### \`${option.key}\`\n\n${option.description}\n\n${notes.join("\n")}\n`;
}

function quoted(text) {
  return `\`${text}\``;
}

function readIfThere(name) {
  try {
    return readFileSync(name, "utf8");
  } catch (cause) {
    if (cause.code === "ENOENT") return undefined;
    throw cause;
  }
}
