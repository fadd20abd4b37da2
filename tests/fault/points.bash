# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Every point at which a command can fail, be stopped or be killed: the Nth call of one system call, for N = 1, 2, 3, …
# until the command makes no more of them, so that a new operation is covered on the day it is written. One system call at a
# time, because with two of them the undo would be hit too. Only wgq itself is traced (no -f): neither its hooks nor
# wireguard-go. Run inside a host:  bash points.bash plain|everything|relay|legacy FUNCTION SYSTEM_CALL...
# On a slow machine POINTS_STEP=3 tries every third point only, but each of those where something changes.
set -uo pipefail
shopt -s globstar dotglob nullglob
here=${BASH_SOURCE[0]%/*}
# shellcheck source=tests/netns/lib.bash
. "$here/../netns/lib.bash"
work=/run/host/points # not part of the state
points=0 tried=0 status=0 injected='' something=''

export ASAN_OPTIONS=detect_leaks=0 # which does not work on a traced process

# --- the host, and what is compared --------------------------------------------------------------------------------

config_plain() {
  cat << 'C'
[Interface]
PrivateKey = {A}
Address = 10.0.0.1/24, 10.0.1.1/24
ListenPort = 51820

C
  local n
  local -a keys=('{b}' '{c}' '{d}' xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg= gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA=)
  for n in 0 1 2 3 4; do
    printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.%d/32, 10.20.%d.0/24\n' "${keys[n]}" $((n + 2)) "$n"
    printf 'Endpoint = 198.51.100.%d:51820\nPersistentKeepalive = 25\n\n' $((n + 1))
  done
}

config_everything() {
  cat << 'C'
[Interface]
PrivateKey = {A}
Address = 10.78.0.2/32, fd00:78::2/128
Address = 10.78.1.2/24, fd00:79::2/64
DNS = 192.0.2.1, 2001:db8::1, example.com
MTU = 1400
PreUp = echo PreUp %i >> /run/host/hooks
PreUp = echo PreUp again >> /run/host/hooks
PostUp = echo PostUp %i >> /run/host/hooks
PreDown = echo PreDown %i >> /run/host/hooks
PostDown = echo PostDown %i >> /run/host/hooks

[Peer]
PublicKey = {b}
PresharedKey = {psk}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 198.51.100.7:51820
C
}

# A relay on a host whose firewall is somebody else's, in both kinds of iptables.
config_relay() {
  cat << 'C'
[Interface]
PrivateKey = {A}
Address = 10.78.0.1/24, fd00:78::1/64
ListenPort = 51820
Forward = yes
Masquerade = eth0
AllowFrom = peers, 10.79.0.0/16

[Peer]
PublicKey = {b}
AllowedIPs = 10.78.0.2/32, fd00:78::2/128
C
}

host_relay() {
  local family variant
  for family in ip ip6; do
    for variant in nft legacy; do
      "${family}tables-$variant" -P FORWARD DROP
      "${family}tables-$variant" -A INPUT -p tcp --dport 22 -j ACCEPT
    done
  done
}

# The same, with all rules in the legacy tables.
config_legacy() { config_relay | sed 's/^Forward.*/&\nFirewall = iptables/'; }

host_legacy() {
  iptables-legacy -P FORWARD DROP
  ip6tables-legacy -P FORWARD DROP
}

# A resolver whose whole state is a file an interface.
fake_resolvconf() {
  mkdir -p "$work/bin" /run/dns
  cat > "$work/bin/resolvconf" << 'C'
#!/bin/bash
case $1 in
  -a) cat > "/run/dns/$2" ;;
  -d) rm -f "/run/dns/$2" ;;
esac
C
  chmod +x "$work/bin/resolvconf"
  export PATH=$work/bin:$PATH
}

# Everything that must be as it was: also the files in /run (records, sockets) and the processes. Not the files of locks:
# who dies may leave one, but the lock on it is gone, and whoever takes it next removes it.
state() {
  local entry name
  for entry in /proc/[0-9]*; do
    [[ " $ours $BASHPID " != *" ${entry#/proc/} "* ]] || continue
    if { read -r name < "$entry/comm"; } 2> /dev/null; then echo "process $name"; fi
  done
  for entry in /run/**; do
    [[ $entry == /run/host/* || $entry == /run/wgq/lock.* || -d $entry ]] || echo "file $entry"
  done
  here_state
}

# src_valid_mark stays on after down, as with wg-quick; for the next point it is off again.
reset() {
  echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark
}

prepare() { # CONFIG: sets before and while_up
  mkdir -p "$work"
  fake_resolvconf
  here_uplink eth0 192.0.2.2/24,2001:db8::2/64 192.0.2.1
  # the kernel clears it for good when a WireGuard link comes up
  echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects
  "config_$1" | here_conf wg0
  if declare -F "host_$1" > /dev/null; then "host_$1"; fi
  reset
  while [[ $(ip -6 address show tentative) ]]; do sleep 0.01; done
  local entry
  for entry in /proc/[0-9]*; do ours+=" ${entry#/proc/}"; done
  before=$(state)
  "$WGQ" up wg0 > "$work/said" 2>&1 || fail "a plain up failed"
  # the kernel gives a tun device its own address and routes a moment later
  local now=''
  while_up=''
  while now=$(state) && [[ $now != "$while_up" ]]; do
    while_up=$now
    sleep 0.1
  done
  "$WGQ" down wg0 > "$work/said" 2>&1 || fail "a plain down failed"
  reset
  settle_to "$before" || fail "a plain down leaves something"
}

ours=$$
fail() {
  printf 'point %d: %s; exit status %d, and it said:\n' "$points" "$1" "$status"
  cat "$work/said"
  if [[ -s $work/diff ]]; then printf 'difference of state:\n' && cat "$work/diff"; fi
  exit 1
}

# wireguard-go ends a moment after its link. Leaves the difference in $work/diff.
settle_to() { # STATE
  local now end=$((SECONDS + 10))
  while :; do
    # by itself: what is in a pipe with it would be a process of the state; wg may meet a device that is about to go
    now=$(state 2> /dev/null)
    if diff <(printf '%s\n' "$1") <(printf '%s\n' "$now") > "$work/diff"; then return 0; fi
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

# --- points --------------------------------------------------------------------------------------------------------

# Runs a command with a fault at the Nth call; sets status, and injected if there was an Nth.
attempt() { # SYSCALL FAULT N COMMAND...
  points=$3 tried=$((tried + 1))
  # the shell's own word on who died of what is not wanted
  { strace -o "$work/trace" -e "trace=$1" -e "inject=$1:$2:when=$3" -- "${@:4}" > "$work/said" 2>&1; } 2> /dev/null
  status=$?
  injected=$(grep -E 'INJECTED|^--- SIG(TERM|INT|HUP) |^\+\+\+ killed by' "$work/trace")
  return 0
}

up_for_sure() {
  "$WGQ" up wg0 > "$work/said" 2>&1
  status=$?
  ((status == 0)) || fail "a plain up failed"
}

step() { # SYSCALL
  case $1 in sendto | sendmsg | renameat) echo 1 ;; *) echo "${POINTS_STEP:-1}" ;; esac
}

down_for_good() {
  "$WGQ" down wg0 > "$work/said" 2>&1
  status=$?
  ((status == 0)) || fail "down failed"
  reset
  settle_to "$before" || fail "down leaves something"
}

done_with() { # WHAT
  ((tried > 1)) || fail "there was no $1 at all"
  echo "$((tried - 1)) $1"
}

# An error of up: exit status 1, all as before. Some calls only look at something, and what they did not see is asked again or
# does not matter: then everything must be there.
errors_of_up() { # SYSCALL
  local n
  for ((n = 1; ; n += $(step "$1"))); do
    attempt "$1" error=ENOBUFS "$n" "$WGQ" up wg0
    [[ $injected ]] || break
    if ((status == 0)); then
      settle_to "$while_up" || fail "up went on and did not do all"
      down_for_good
    else
      ((status == 1)) || fail "$1 failed in up"
      settle_to "$before" || fail "up failed and left something"
    fi
  done
  ((status == 0)) || fail "up failed with no fault"
  settle_to "$while_up" || fail "up did not do all"
  down_for_good
  done_with "$1"
}

# An error of down: exit status 1, and all as before or all done. Where an answer alone was lost, down may find that out.
errors_of_down() { # SYSCALL
  local n
  for ((n = 1; ; n += $(step "$1"))); do
    up_for_sure
    attempt "$1" error=ENOBUFS "$n" "$WGQ" down wg0
    [[ $injected ]] || break
    if [[ -e /sys/class/net/wg0 ]]; then
      ((status == 1)) || fail "$1 failed in down"
      settle_to "$while_up" || fail "down failed half way"
      down_for_good
    else
      ((status <= 1)) || fail "$1 failed in down"
      reset
      settle_to "$before" || fail "down failed half way"
    fi
  done
  ((status == 0)) || fail "down failed with no fault"
  reset
  settle_to "$before" || fail "down leaves something"
  done_with "$1"
}

# A request to stop: all as before, and dead of that signal.
signals_of_up() { # SYSCALL
  local n signal
  local -a signals=(TERM INT HUP)
  for ((n = 1; ; n += $(step "$1"))); do
    signal=${signals[n % 3]}
    attempt "$1" "signal=SIG$signal" "$n" "$WGQ" up wg0
    [[ $injected ]] || break
    ((status == 128 + $(kill -l "$signal"))) || fail "up was sent SIG$signal"
    settle_to "$before" || fail "up was stopped by SIG$signal and left something"
  done
  ((status == 0)) || fail "up failed with no fault"
  down_for_good
  done_with "$1"
}

kill_at() { # SYSCALL N up|down: sets something, the record that was left
  attempt "$1" signal=SIGKILL "$2" "$WGQ" "$3" wg0
  [[ $injected ]] || return
  ((status == 137)) || fail "not killed"
  something=$(find /run/wgq -name 'record*')
}

# Down after a kill: as before. With neither record nor interface it says so, with exit status 1.
down_after_kill() {
  "$WGQ" down wg0 > "$work/said" 2>&1
  status=$?
  ((status == 0)) || [[ ! $something ]] || fail "down after a kill failed"
  reset
  settle_to "$before" || fail "down after a kill left something"
}

# Up after a kill: as after up alone. Who was killed after the last change, or before the first one of down, has left a
# tunnel that is up, and up says that.
up_after_kill() {
  if ! "$WGQ" up wg0 > "$work/said" 2>&1; then
    grep -q 'already exists' "$work/said" || fail "up after a kill failed"
  fi
  settle_to "$while_up" || fail "up after a kill is not like a plain one"
  down_for_good
}

kills_of_up_then_down() { # SYSCALL
  local n
  for ((n = 1; ; n += $(step "$1"))); do
    kill_at "$1" "$n" up || break
    down_after_kill
  done
  down_for_good
  done_with "$1"
}

kills_of_up_then_up() { # SYSCALL
  local n
  for ((n = 1; ; n += $(step "$1"))); do
    kill_at "$1" "$n" up || break
    up_after_kill
  done
  down_for_good
  done_with "$1"
}

kills_of_down_then_down() { # SYSCALL
  local n
  for ((n = 1; ; n += $(step "$1"))); do
    up_for_sure
    kill_at "$1" "$n" down || break
    down_after_kill
  done
  reset
  done_with "$1"
}

kills_of_down_then_up() { # SYSCALL
  local n
  for ((n = 1; ; n += $(step "$1"))); do
    up_for_sure
    kill_at "$1" "$n" down || break
    up_after_kill
  done
  reset
  done_with "$1"
}

# A hook that fails, or during which the request to stop comes, after the other hooks.
hooks_of_up() { # KEY
  local status_wanted hook
  # shellcheck disable=SC2016  # expanded by the hook's bash
  for hook in 'exit 7' 'kill -TERM $PPID; sleep 0.1' 'kill -INT $PPID; exec sleep 5'; do
    case $hook in exit*) status_wanted=1 ;; *TERM*) status_wanted=143 ;; *) status_wanted=130 ;; esac
    sed -i "/^PrivateKey/i $1 = $hook" /etc/wireguard/wg0.conf
    points=$((points + 1)) tried=$((tried + 1))
    { "$WGQ" up wg0 > "$work/said" 2>&1; } 2> /dev/null
    status=$?
    sed -i "/^$1 = $hook\$/d" /etc/wireguard/wg0.conf
    ((status == status_wanted)) || fail "$1 = $hook"
    settle_to "$before" || fail "$1 = $hook, and something is left"
  done
  tried=$((tried + 1))
  done_with "$1"
}

prepare "$1"
for what in "${@:3}"; do
  points=0 tried=0
  "$2" "$what"
done
