#!/usr/bin/env node
import "./boot.mjs";

const { main } = await import("../src/main.ts");
process.exitCode = await main(process.argv);
