#!/usr/bin/env bats
# What is found in meshes of files: NAME.mesh holds the files, NAME.ok the findings. NAME of a healthy mesh, or of one that
# just misses a finding, begins with "fine-", and its .ok is empty. To record what comes out now, and read it before it is
# committed:   REFRESH=1 bats tests/mesh/mesh.bats
bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_DIRNAME" || return
}

# What of finding.c one file, or many, can show without a host.
mesh_codes() {
  sed -nE 's/^\s*\[FINDING_[A-Z_]+\] = \{ "([a-z-]+)".*/\1/p' ../../wgq/base/finding.c | grep -vxE \
    'syntax|unknown-key|bad-value|missing-key|host-bits|file-permissions|hook-unbalanced|forwarding-clobber' |
    grep -vxE 'port-in-use|port-shared|forward-blocked|port-blocked|forwarding-off|rp-filter'
}

@test "each mesh has exactly the findings that are recorded" {
  run ./run ${REFRESH:+--refresh}
  echo "$output"
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "there are at least 60 meshes with a fault" {
  local files=(*.mesh) healthy=(fine-*.mesh)
  ((${#files[@]} - ${#healthy[@]} >= 60))
}

@test "every case is recorded, faults as such and the others empty" {
  local file name bad=0
  for file in *.mesh; do
    name=${file%.mesh}
    [ -e "$name.ok" ] || { echo "$name has no record"; bad=1; }
    if [[ $name == fine-* ]]; then [ ! -s "$name.ok" ]; else [ -s "$name.ok" ]; fi || { echo "$name"; bad=1; }
  done
  for file in *.ok; do [ -e "${file%.ok}.mesh" ] || { echo "$file has no case"; bad=1; }; done
  [ "$bad" -eq 0 ]
}

@test "every code is found somewhere, and just missed somewhere" {
  local code bad=0
  for code in $(mesh_codes); do
    grep -q "\[$code\]$" -- *.ok || { echo "$code is found nowhere"; bad=1; }
    compgen -G "fine-$code*.mesh" > /dev/null || { echo "$code is just missed nowhere"; bad=1; }
  done
  [ "$bad" -eq 0 ]
}

@test "no secret is shown" {
  local name key
  while read -r name key; do
    [[ $name == [a-z] ]] || ! grep -lF "$key" -- *.ok || { echo "$name"; return 1; }
  done < keys
}
