#!/usr/bin/env bash
# install-hdfs.sh: HDFS (a NameNode and a DataNode in one process) for tests/storage, in .servers/hdfs. Needs java and mvn.
# Takes about 25 seconds when Maven has nothing yet: 188 jars, 109 MB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ -d .servers/hdfs ] && exit 0
rm -rf .servers/hdfs.new && mkdir -p .servers
mvn -q -B -f tools/servers/hdfs-pom.xml dependency:copy-dependencies -DoutputDirectory="$PWD/.servers/hdfs.new" -DincludeScope=runtime
mv .servers/hdfs.new .servers/hdfs
