#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Check one entry of a governance ledger with bash, GNU coreutils 8.31 and OpenSSL 3.0 alone:
#     verify.sh FILE.tlog-proof ENTRY VKEY
# Prints VERIFIED and leaves with 0; with 1 when the evidence is refused, 2 when it cannot be read.
set -euo pipefail; export LC_ALL=C
[ $# -eq 3 ] && [ -r "$1" ] && [ -r "$2" ] || { echo "usage: verify.sh FILE.tlog-proof ENTRY VKEY" >&2; exit 2; }
refuse() { echo "REFUSED: $*" >&2; exit 1; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
unhex() { tr a-f A-F | basenc --base16 --decode; }
hash() { unhex | sha256sum | cut -c1-64; }
unbase64() { # base64 in its one form to hex
  [ "$(base64 -d <<<"$1" 2>/dev/null | base64 -w0)" = "$1" ] && base64 -d <<<"$1" | hex || refuse "not base64: $1"
}
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
# The verifier key: name, key id, base64 of 01 and the public key; the id is the hash of name, newline and those bytes.
name=${3%%+*} rest=${3#*+}
key=$(unbase64 "${rest#*+}")
[[ ${#key} -eq 66 && $key == 01* ]] || refuse "the verifier key is not an Ed25519 key"
id=$({ printf '%s\n' "$name" | hex; printf %s "$key"; } | hash | cut -c1-8)
[ "${rest%%+*}" = "$id" ] || refuse "the verifier key has another key id"
# The proof: header, index, hashes; a blank line; the checkpoint; a blank line; its signatures.
mapfile -t lines <"$1" 2>/dev/null
[ "$(printf '%s\n' "${lines[@]}" | sha256sum)" = "$(sha256sum <"$1")" ] || refuse "the proof is not lines of text"
[ "${lines[0]-}" = "c2sp.org/tlog-proof@v1" ] || refuse "not a proof file"
at=1 path=()
[[ ${lines[1]-} == "extra "* ]] && { extra=$(unbase64 "${lines[1]#extra }"); at=2; }
[[ ${lines[at]-} =~ ^index\ (0|[1-9][0-9]{0,17})$ ]] && index=${BASH_REMATCH[1]} || refuse "the proof names no index"
while at=$((at + 1)); [ -n "${lines[at]-}" ]; do path+=("$(unbase64 "${lines[at]}")") || exit 1; done
text=("${lines[@]:at+1:3}") size=${text[1]-}
[[ ${lines[at + 4]-x} == "" && $size =~ ^(0|[1-9][0-9]{0,17})$ ]] || refuse "the checkpoint is malformed"
[ "${text[0]}" = "$name" ] || refuse "the checkpoint is of ${text[0]}, the key of $name"
root=$(unbase64 "${text[2]}")
# Every signature line with the name and id of the key must verify over the text, and there must be one.
printf '%s\n' "${text[@]}" >"$folder/text"
printf '302a300506032b6570032100%s' "${key:2}" | unhex >"$folder/key"
for line in "${lines[@]:at+5}"; do
  [[ $line == "— "*" "* ]] || refuse "not a signature line: $line"
  signed=$(unbase64 "${line##* }")
  [[ $line == "— $name ${line##* }" && $signed == "$id"* ]] || continue
  printf %s "${signed:8}" | unhex >"$folder/signature"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$folder/key" -rawin -in "$folder/text" \
    -sigfile "$folder/signature" >/dev/null 2>&1 && verified=yes || refuse "the signature by $name does not verify"
done
[ "${verified-}" ] || refuse "the checkpoint is not signed by $name with key $id"
# The entry under the root, RFC 9162 section 2.1.3.2. A final newline does not belong to the body.
[ "$(tail -c1 "$2" | hex)" = 0a ] && drop=1 || drop=0
value=$({ printf '\0'; head -c "-$drop" "$2"; } | sha256sum | cut -c1-64)
n=$index last=$((size - 1)); [ "$n" -le "$last" ] || refuse "there is no entry $n among $size"
for sibling in "${path[@]}"; do
  [[ $last -gt 0 && ${#sibling} -eq 64 ]] || refuse "the proof has a hash too many, or not 32 bytes"
  if ((n % 2 || n == last)); then
    value=$(printf '01%s%s' "$sibling" "$value" | hash)
    while ((n % 2 == 0 && n > 0)); do n=$((n / 2)) last=$((last / 2)); done
  else value=$(printf '01%s%s' "$value" "$sibling" | hash); fi
  n=$((n / 2)) last=$((last / 2))
done
[[ $last -eq 0 && $value == "$root" ]] || refuse "this is not entry $index of what was signed"
echo "VERIFIED: this is entry $index of the $size that were signed, root $root"
