#!/usr/bin/env bats
# What is said of meshes is what packets do in them: tests/mesh/real. $MESHES random ones (20), with seeds from $FIRST_SEED (1) on,
# and those that once differed, as kept/NAME.mesh.

setup() {
  cd "$BATS_TEST_DIRNAME" || return
  build=${B:-build}
  [[ $build == /* ]] || build=$PWD/../../$build
}

@test "random meshes: what the simulator says is what packets do" {
  local first=${FIRST_SEED:-1}
  run ./real "$first-$((first + ${MESHES:-20} - 1))"
  echo "$output"
  [ "$status" -eq 0 ]
  echo "# $output" >&3
}

@test "meshes that once differed" {
  run ./real kept/*.mesh
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "random meshes have every end of a way, and both families" {
  local seed end
  for ((seed = 1; seed <= 100; seed++)); do
    "$build/tests/mesh-random" "$seed" "$BATS_TEST_TMPDIR/$seed"
    "$build/tests/mesh-ways" "$BATS_TEST_TMPDIR/$seed/mesh"
  done > "$BATS_TEST_TMPDIR/ways"
  for end in arrives no-route source-filtered not-mutual no-initiator loop not-forwarded guarded; do
    awk -v end="$end" '$1 == "row" && $7 == end { seen[$5 ~ /:/] = 1 } END { exit !(seen[0] && seen[1]) }' "$BATS_TEST_TMPDIR/ways" ||
      { echo "$end"; return 1; }
  done
}

@test "a simulator that is wrong is found out, and what differs is shown and kept" {
  local fake=$BATS_TEST_TMPDIR/fake
  mkdir -p "$fake/tests" "$BATS_TEST_TMPDIR/keep"
  ln -s "$build"/tests/mesh-{random,probe} "$fake/tests"
  printf '#!/bin/sh\n%q "$@" | sed "s/ arrives / no-route /;s/ bad$/ ok/"\n' "$build/tests/mesh-ways" > "$fake/tests/mesh-ways"
  chmod +x "$fake/tests/mesh-ways"
  WGQ=${WGQ:-$build/wgq} B=$fake KEEP=$BATS_TEST_TMPDIR/keep run ./real 3
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *": arrives, simulated: no-route"* ]]
  [[ $output == *"=== mesh/A/wg0.conf"* ]]
  [[ ${lines[-1]} == "1 meshes, "*"differing: 3" ]]
  B=$build run ./real "$BATS_TEST_TMPDIR/keep/3.mesh"
  [ "$status" -eq 0 ]
}
