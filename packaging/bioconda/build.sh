#!/usr/bin/env bash
set -euo pipefail

cargo-bundle-licenses --format yaml --output THIRDPARTY.yml
cargo install --path crates/bm-cli --locked --no-track --root "$PREFIX"

"$PREFIX/bin/bm" completions bash | install -Dm644 /dev/stdin "$PREFIX/share/bash-completion/completions/bm"
"$PREFIX/bin/bm" completions zsh | install -Dm644 /dev/stdin "$PREFIX/share/zsh/site-functions/_bm"
"$PREFIX/bin/bm" completions fish | install -Dm644 /dev/stdin "$PREFIX/share/fish/vendor_completions.d/bm.fish"
"$PREFIX/bin/bm" man --all "$PREFIX/share/man/man1"
