#!/usr/bin/env bash
# usage: make-rows.sh [PROGRAM...]   makes rows/PROGRAM.jsonl again, all of them by default; OUT is the build folder
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
out="${OUT:-$here/target}"
(cd "$here" && mvn -q -B -Dout="$out" package)
exec java -Xmx"${HEAP:-1g}" \
  --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED \
  --add-opens=java.base/java.util.concurrent=ALL-UNNAMED --add-opens=java.base/java.net=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED \
  -cp "$out/flink-oracle-1.jar:$out/lib/*" millrace.oracle.Main "$here/.." "$@"
