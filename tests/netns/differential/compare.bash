# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The comparing half of the differential tests: runs the sides of a case (side.bash) and judges. For bats.

# shellcheck source=tests/netns/lib.bash
. "$BATS_TEST_DIRNAME/lib.bash"

# A program that is missing would refuse everything, and many a case with it.
WGQ=$(type -P "${WGQ:-${B:-build}/wgq}") || { echo "no program ${WGQ:-${B:-build}/wgq}" >&2 && return 1; }
WGQ=$(realpath "$WGQ") && export WGQ

_chosen() { # CASE
  [[ ! ${DIFF_CASES:-} || " $DIFF_CASES " == *" $1 "* ]] || skip "not in DIFF_CASES"
}

_side() { # SIDE CASE OUT
  host_once bash "$BATS_TEST_DIRNAME/differential/side.bash" "$@"
}

# wgq does with a case exactly what Debian's wg-quick does, but for what the case itself expects.
equal() { # CASE
  local out=$BATS_TEST_TMPDIR
  _chosen "$1"
  : > "$out/expected"
  _side wg-quick "$1" "$out" &
  if ! _side wgq "$1" "$out" || ! wait $!; then
    cat "$out"/*.errors
    return 1
  fi
  diff "$out/wg-quick.log" "$out/wgq.log" | grep '^[<>]' > "$out/found" || true
  if ! diff "$out/expected" "$out/found" > "$out/wrong"; then
    echo "the differences (< wg-quick, > wgq) are not those expected:"
    sed -n 's/^</missing:   /p; s/^>/unexpected:/p' "$out/wrong"
    echo "wgq's standard error:"
    cat "$out/wgq.errors"
    return 1
  fi
}

# What wg-quick has set up wgq takes down, and the reverse, and nothing is left.
crosswise() { # CASE
  local out=$BATS_TEST_TMPDIR
  _chosen "$1"
  if ! _side both "$1" "$out" || ! grep -q ': ok$' "$out/both.log" ||
    grep -E ' down: |: failed$|is not there$' "$out/both.log"; then
    cat "$out/both.errors"
    return 1
  fi
}
