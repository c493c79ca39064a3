// A module loader hook: adds the export condition under which the workspace packages name their sources.
export async function resolve(specifier, context, nextResolve) {
  return nextResolve(specifier, { ...context, conditions: ["@millrace/source", ...context.conditions] });
}
