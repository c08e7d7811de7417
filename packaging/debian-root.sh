#!/usr/bin/env bash
# Does what the Dockerfile does, without Docker: makes a minimal Debian in a folder, in a namespace of its own, unpacks the archive there, and
# runs the commands of RUN.
#
#     bash packaging/debian-root.sh target/xtask/dist/bm-0.1.0-linux-x86_64.tar.gz
#
# Needs mmdebstrap, and as a user without rights also uidmap.
set -euo pipefail

archive=$(realpath "$1")
recipe=$(dirname "$archive")/Dockerfile
suite=$(sed -nE 's/^FROM debian:([a-z]+)-slim@.*/\1/p' "$recipe")
digest=$(sed -nE 's/^ARG SHA256=//p' "$recipe")
# The lines from RUN to the one without a backslash at its end.
commands=$(sed -n '/^RUN /,/[^\\]$/p' "$recipe" | sed -E 's/^RUN //; s/\\$//' | tr '\n' ' ')

mmdebstrap --variant=minbase --format=null --quiet \
    --customize-hook="copy-in $archive /tmp" \
    --customize-hook="SHA256=$digest chroot \"\$1\" sh -c '$commands'" \
    --customize-hook='chroot "$1" bm --version' \
    "$suite"
