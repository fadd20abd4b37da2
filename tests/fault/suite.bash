# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the files of this folder have in common.
# shellcheck disable=SC2154  # $output and $status are of bats

setup() {
  load ../netns/lib
  export WGQ=${WGQ:-$BATS_TEST_DIRNAME/../../build/wgq}
}

# Prints how many points of each call were tried.
points() { # plain|everything|relay|legacy FUNCTION SYSTEM_CALL...
  run host_once bash "$BATS_TEST_DIRNAME/points.bash" "$@"
  echo "$output"
  [ "$status" -eq 0 ]
  echo "# $1, $2: ${output//$'\n'/, }" >&3
}
