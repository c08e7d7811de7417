#!/usr/bin/env bash
# Installs bm in a minimal Debian that mmdebstrap makes in a folder, in a namespace of its own, and filters reads of testdata there:
#
#     bash packaging/debian-root.sh target/xtask/dist/bm-0.1.0-linux-x86_64.tar.gz
#     bash packaging/debian-root.sh target/xtask/dist/bm-0.1.0-source.tar.gz
#
# The archive of the program is unpacked by the commands of RUN in the Dockerfile beside it, so this does without Docker what the image does. The
# source archive is built with Debian's own compilers, without network.
#
# Needs mmdebstrap, as a user without rights also uidmap, and cargo to collect the sources of dependencies. The root is removed at the end; it is
# below TMPDIR (2 GB).
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
archive=$(realpath "$1")
recipe=$here/packaging/Dockerfile
suite=$(sed -nE 's/^FROM debian:([a-z]+)-slim@.*/\1/p' "$recipe")
reads=testdata/hiseqx_phage/hiseqx_phage.fastq.gz
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Another user fills the root if this one has no rights.
chmod 755 "$scratch"

options=()
case $archive in
*-source.tar.gz)
    tar -xzf "$archive" -C "$scratch"
    mv "$scratch"/bm-* "$scratch/bm"
    mkdir -p "$scratch/bm/.cargo"
    cargo vendor --quiet --locked --manifest-path "$scratch/bm/Cargo.toml" "$scratch/bm/vendor"
    printf '[source.%s]\n%s\n' crates-io 'replace-with = "vendor"' vendor 'directory = "vendor"' >> "$scratch/bm/.cargo/config.toml"
    # The release of Debian is older than the oldest Rust that bm needs; it has a newer one for web browsers. rustc needs a C compiler to link, and so do
    # zstd and libdeflate.
    options+=(--include=cargo-web,rustc-web,gcc,libc6-dev --customize-hook="copy-in $scratch/bm /opt")
    commands='set -eu; cd /opt/bm; cargo install --quiet --path crates/bm-cli --locked --offline --no-track --root /usr/local; bm selfcheck --backend embedded'
    ;;
*)
    mkdir -p "$scratch/bm/$(dirname $reads)"
    cp "$here/$reads" "$scratch/bm/$reads"
    digest=$(sed -nE 's/^ARG SHA256=//p' "$(dirname "$archive")/Dockerfile")
    # The lines from RUN to the one without a backslash at its end.
    commands=$(sed -n '/^RUN /,/[^\\]$/p' "$recipe" | sed -E 's/^RUN //; s/\\$//' | tr '\n' ' ')
    commands="SHA256=$digest; $commands"
    options+=(--customize-hook="copy-in $archive /tmp" --customize-hook="copy-in $scratch/bm /opt")
    ;;
esac

# The mirrors and the proxy of this system, if it has packages of this release.
if command -v apt-get > /dev/null; then
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' \
        | grep -E "^deb [^ ]+ $suite(-updates|-security)? main$" > "$scratch/sources.list" || true
    apt-config dump --format '%F "%v";%n' Acquire::http::Proxy Acquire::https::Proxy > "$scratch/proxy"
    if [ -s "$scratch/proxy" ]; then options+=(--aptopt="$scratch/proxy"); fi
fi

cat > "$scratch/commands" << END
$commands
bm --version
cd /opt/bm
bm filter $reads -o kept.fastq.gz
test -s kept.fastq.gz
END
options+=(--customize-hook="copy-in $scratch/commands /opt" --customize-hook='chroot "$1" sh -eu /opt/commands')
if [ -s "$scratch/sources.list" ]; then options+=("$suite" - "$scratch/sources.list"); else options+=("$suite"); fi
mmdebstrap --variant=minbase --format=null --quiet "${options[@]}"
