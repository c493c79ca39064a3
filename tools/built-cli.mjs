// The command line from its build (`npm run build`), as a package has it; bin/millrace.mjs of a checkout runs the sources.
const { main } = await import(new URL("../packages/cli/dist/main.js", import.meta.url));
await main(process.argv);
