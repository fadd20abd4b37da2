#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Bash completion, asked as bash asks it: COMP_WORDS and COMP_CWORD in, COMPREPLY out.

load lib

setup() {
  export COMPLETION=$BATS_TEST_DIRNAME/../../completions/wgq
  host_new h
  cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
  host_end_all
}

offered() { # WORD...: what is offered for the last word, sorted as bash will, in one line
  # shellcheck disable=SC2016  # expanded by that bash
  HERE=$PWD host_run h bash ${BASH_OPTION:+-O "$BASH_OPTION"} -c '
    cd "$HERE" && . "$COMPLETION" && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _wgq && printf "%s\n" "${COMPREPLY[@]}"' \
    bash "$@" | LC_ALL=C sort | paste -sd ' '
}

expect() { # OFFERED WORD...
  local got
  got=$(offered "${@:2}")
  [ "$got" = "$1" ] || { echo "${*:2}: '$got', not '$1'"; return 1; }
}

# The machine's programs, but no wg.
without_wg() {
  mkdir bin
  ln -s "$(type -P bash)" "$(type -P nsenter)" "$(type -P tr)" "$(type -P sort)" \
    "$(type -P paste)" bin/
  PATH=$PWD/bin "$@"
}

@test "the function is what bash calls for wgq" {
  # shellcheck disable=SC2016  # expanded by that bash
  run bash -c '. "$COMPLETION" && complete -p wgq'
  [[ $output == *"-F _wgq wgq" ]]
}

@test "commands stand first, options anywhere" {
  expect "check down genkey genpsk map pubkey strip trace up" wgq ""
  expect "genkey genpsk" wgq gen
  expect "strip" wgq -n -v s
  expect "" wgq nothing
  expect "--dry-run --expect --format --help --json --matrix --quiet --strict --verbose --version -h -n -q -v" wgq -
  expect "--verbose --version" wgq up --ver
  expect "--dry-run" wgq -v --d
}

@test "up and strip take configured interfaces, files and folders" {
  host_conf h wg0 < /dev/null
  host_conf h wg-two < /dev/null
  host_run h touch /etc/wireguard/notes.txt
  mkdir folder "a folder"
  touch here.conf wg-local.conf other.txt
  for command in up strip; do
    expect "a folder folder here.conf wg-local.conf wg-two wg0" wgq "$command" ""
    expect "wg-local.conf wg-two wg0" wgq "$command" w
    expect "wg0" wgq -n "$command" wg0
    expect "" wgq "$command" wg0 ""
  done
  touch wg0
  mkdir wg0.d
  expect "wg0 wg0.d" wgq up wg0
}

@test "nothing configured is nothing offered, whatever globbing options are on" {
  expect "" wgq up ""
  BASH_OPTION=failglob expect "" wgq up ""
  BASH_OPTION=nullglob expect "" wgq up ""
  BASH_OPTION=failglob without_wg expect "" wgq down ""
}

@test "down takes interfaces that are up, by wg" {
  if kernel_wireguard; then
    host_run h ip link add wg0 type wireguard
    host_run h ip link add tun1 type wireguard
  else
    host_run h wireguard-go wg0 > /dev/null 2>&1
    host_run h wireguard-go tun1 > /dev/null 2>&1
  fi
  host_conf h wg2 < /dev/null
  host_run h ip link add wgbr0 type bridge
  [[ " $(offered wgq down "") " == *" wg0 "* && " $(offered wgq down "") " == *" tun1 "* ]]
  expect "wg0" wgq down w
  expect "" wgq down wg0 ""
}

@test "down takes interfaces that are up, without wg: the kernel's and those of records" {
  export WGQ_RUN_DIR=$PWD/run
  mkdir run
  touch run/record.17.wg0 run/record.4026531840-1700000000.000000123.wg.9 run/record.99.wg0 \
    run/lock.17.wg5 run/new.17.wg6 run/record run/record.x.wg7
  host_run h ip link add wgbr0 type bridge
  kernel_wireguard && host_run h ip link add wg1 type wireguard
  without_wg expect "wg.9 wg0$(kernel_wireguard && echo " wg1")" wgq down wg
}

@test "check, trace and map take any number of files, folders and interfaces" {
  host_conf h wg0 < /dev/null
  mkdir folder
  touch here.conf other.txt
  for command in check trace map; do
    expect "folder here.conf wg0" wgq "$command" ""
    expect "folder" wgq --json "$command" here.conf fo
  done
}

@test "values of options are no words of the command" {
  touch here.conf expectations.txt
  expect "dot mermaid text" wgq map --format ""
  expect "mermaid" wgq --format m
  expect "expectations.txt here.conf" wgq check --expect ""
  expect "here.conf" wgq --format dot map ""
  expect "check down genkey genpsk map pubkey strip trace up" wgq --expect file ""
}

@test "keys take no argument" {
  host_conf h wg0 < /dev/null
  expect "" wgq genkey ""
  expect "" wgq pubkey w
}
