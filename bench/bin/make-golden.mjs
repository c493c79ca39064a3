#!/usr/bin/env node
// Writes src/golden/testdata anew from the Flink peer: node bench/bin/make-golden.mjs [--flink DIR] [--flink-build DIR]
import "./boot.mjs";

const { makeGolden } = await import("../src/golden/make-golden.ts");
process.exitCode = await makeGolden(process.argv.slice(2));
