# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2317  # the cases call these
# One side of a comparison: runs one case in the fresh host it is started in (see compare.bash).
#   bash side.bash wg-quick|wgq|both CASE OUT
# All that happens is appended to OUT/SIDE.log in its order: how each command ended, what it and the hooks wrote to
# standard output or to the file `log`, calls of resolvconf, states. What a case says of differences goes to OUT/expected.
#
# What a case is made of:
#   internet                  eth0 with both families and an IPv4 default route
#   config IFACE < TEXT       its file, keys by `fill`
#   up ARG, down ARG, strip ARG   runs the side's program; anything else is bash
#   state LABEL               the state of the host
#   cycle [IFACE]             up, state, down, state
#   refused LABEL < TEXT      a file that shall not come up
#   debian                    true on wg-quick's side: for a case in which wgq shall do with one file what Debian's
#                             wg-quick does with another
#   expect < DIFF             the lines, as diff(1) writes them (< wg-quick, > wgq), in which the two differ on purpose
#   warned REGEX              wgq's standard error says so

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
# shellcheck source=tests/netns/lib.bash
. "$here/../lib.bash"

side=$1 case=$2 out=$3
program=$side
mkdir /run/host/bin /run/host/work
cp "$(command -v wg-quick)" /run/host/bin/wg-quick # it searches its own folder first, and finds the resolvconf below
ln -s "$WGQ" /run/host/bin/wgq
cat > /run/host/bin/resolvconf << 'EOF'
#!/bin/bash
{
  echo "resolvconf $*"
  [[ $1 != -a ]] || while IFS= read -r line; do echo "resolvconf input: $line"; done
} >> /run/host/work/log
[[ ! -e /run/host/resolvconf-fails || $1 != "$(< /run/host/resolvconf-fails)" ]]
EOF
chmod +x /run/host/bin/resolvconf
export PATH=/run/host/bin:$PATH
cd /run/host/work || exit
ln -s "$out/$side.log" log
ln -s "$out/$side.errors" errors
: > log
: > errors

debian() { [[ $side == wg-quick ]]; }

internet() { here_uplink eth0 192.0.2.2/24,2001:db8::2/64 192.0.2.1; }

config() { here_conf "$1"; }

run() { # VERB ARG
  local ended=ok socket
  "$program" "$@" >> log 2>> errors || ended=failed
  echo "$*: $ended" >> log
  # wireguard-go goes some time after its interface, and must not take its successor's socket with it
  if [[ $1 == down ]]; then
    for socket in /run/wireguard/*.sock; do
      while [[ -S $socket && ! -e /sys/class/net/$(basename "$socket" .sock) ]]; do sleep 0.01; done
    done
  fi
}
# wireguard-go ends a moment after its link, and until then the name is taken; wgq waits for that, wg-quick does not.
up() {
  local i
  for ((i = 0; i < 250; i++)); do
    [[ -e /run/wireguard/$1.sock && ! -e /sys/class/net/$1 ]] || break
    sleep 0.02
  done
  run up "$@"
}
down() { run down "$@"; }
strip() { run strip "$@"; }

state() { here_state | sed "s/^/$1: /" >> log; }

refused() { # LABEL
  echo "-- $1" >> log
  config wg0
  up wg0
  if [[ -e /sys/class/net/wg0 ]]; then
    echo "wg0 is there" >> log
    down wg0
  fi
}

expect() { if [[ $side == wgq ]]; then cat >> "$out/expected"; else cat > /dev/null; fi; }

warned() { debian || grep -qE -- "$1" errors || echo "no word on standard error of $1" >> log; }

if [[ $side != both ]]; then
  cycle() { # [IFACE]
    up "${1:-wg0}"
    state up
    down "${1:-wg0}"
    state down
  }
else
  # Crosswise: what one has set up the other takes down, and the host is as before. Link up clears send_redirects for
  # good where the kernel has WireGuard, and src_valid_mark stays set on purpose.
  untouched() { here_state | grep -vE 'sysctl net/ipv4/conf/all/(src_valid_mark|send_redirects):'; }
  cycle() { # [IFACE]
    local interface=${1:-wg0} pair
    untouched > before
    for pair in "wg-quick wgq" "wgq wg-quick"; do
      program=${pair% *} && up "$interface"
      [[ -e /sys/class/net/$interface ]] || echo "$interface is not there" >> log
      program=${pair#* } && down "$interface"
      untouched | diff before - | sed "s/^/${pair/ / up, } down: /" >> log
    done
  }
fi

# The kernel clears it for good when a WireGuard link comes up, and wg-quick brings one up before it refuses some files.
echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects

for file in "$here"/cases/*.bash; do
  # shellcheck disable=SC1090
  . "$file"
done
# What hangs is ended, with all that runs in this host and this script too.
(sleep 120 && echo "two minutes are over" >> errors && kill -KILL -1) &
set -e
"$case"
