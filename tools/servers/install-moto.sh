#!/usr/bin/env bash
# install-moto.sh: an S3 server for tests/storage, in .servers/moto. Needs python3 with venv. Takes about 25 seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ -x .servers/moto/bin/moto_server ] && exit 0
rm -rf .servers/moto.new && mkdir -p .servers
python3 -m venv .servers/moto.new
# Not moto[server], which brings the packages of all services: S3 needs these only.
.servers/moto.new/bin/pip install -q --no-compile --disable-pip-version-check 'moto[s3]==5.2.5' 'flask>=3,<4' 'flask-cors>=6,<7'
# The scripts in it have their path in their first line.
sed -i "1s|\.servers/moto\.new/|.servers/moto/|" .servers/moto.new/bin/moto_server
mv .servers/moto.new .servers/moto
