#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The defects of wg-quick that wgq does not have, one test each or more. The numbers are those of a study of wg-quick's
# behaviour. With WGQ=wg-quick each test fails, Q18 where the kernel has WireGuard.

bats_require_minimum_version 1.5.0

setup() {
  load lib.bash
  WGQ=$(type -P "${WGQ:-${B:-build}/wgq}")
  WGQ=$(realpath "$WGQ")
  export WGQ
  cd "$BATS_TEST_TMPDIR" || return
  host_new host
  host_uplink host eth0 192.0.2.2/24,2001:db8::2/64 192.0.2.1
}

teardown() {
  host_end_all
}

up() { host_run host timeout -k 1 30 "$WGQ" up "$@"; }
down() { host_run host timeout -k 1 30 "$WGQ" down "$@"; }
host() { host_run host "$@"; }

# A tunnel whose one peer has these AllowedIPs; lines for [Interface] may follow.
tunnel() { # IFACE ALLOWED_IPS [LINE...]
  printf '%s\n' "[Interface]" "Address = 10.78.0.2/24" "PrivateKey = {A}" "${@:3}" \
    "[Peer]" "PublicKey = {b}" "AllowedIPs = $2" | host_conf host "$1"
}

# The whole host is as before: `before` notes it, `as_before` compares. src_valid_mark stays set after a tunnel that was
# up, and link up of a kernel WireGuard device clears send_redirects, both on purpose.
state() { host_state host | grep -vE 'conf/all/(src_valid_mark|send_redirects):'; }
before() { state > before; }
as_before() { state | diff before -; }

rules() { host ip "-$1" rule show | grep -cE "$2" || true; }

# --- reading the file ---

@test "Q3: a folder in the place of the file is refused" {
  before
  host mkdir /etc/wireguard/wg0.conf
  run ! up wg0
  as_before
}

@test "Q4: patterns in Address and DNS are not matched against file names" {
  touch 10.9.9.9 10.0.0.53
  before
  tunnel wg0 10.2.0.0/16 "Address = 10.9.9.*"
  run ! up wg0
  as_before
  tunnel wg0 10.2.0.0/16 "DNS = 192.0.2.1, 10.0.0.5?"
  up wg0 || true
  run ! host grep -q 10.0.0.53 /etc/resolv.conf
}

@test "Q5: a key without an equals sign is refused, not taken for its own value" {
  local line
  printf '#!/bin/sh\ntouch "%s/executed"\n' "$PWD" > PreUp
  chmod +x PreUp
  before
  for line in PreUp Address DNS MTU Table; do
    tunnel wg0 10.2.0.0/16 "$line"
    PATH=$PWD:$PATH run ! up wg0
    as_before
  done
  [ ! -e executed ]
}

# --- taking down ---

@test "Q6: down of one tunnel leaves the other's rules, so that it does not capture the local network" {
  tunnel wg0 "0.0.0.0/0, ::/0"
  tunnel wg1 "0.0.0.0/0, ::/0"
  host ip route add 198.51.100.0/24 via 192.0.2.9
  up wg0
  before
  up wg1
  down wg1
  as_before
  up wg1
  down wg0
  [ "$(rules 4 'lookup main suppress_prefixlength 0')" = 1 ]
  [ "$(rules 6 'lookup main suppress_prefixlength 0')" = 1 ]
  [[ $(host ip route get 198.51.100.1) == *"dev eth0"* ]]
  [[ $(host ip route get 203.0.113.1) == *"dev wg1"* ]]
}

@test "Q6: nor do tunnels of wg-quick's lose rules, or make others lose theirs when wgq takes them down" {
  tunnel wg0 "0.0.0.0/0, ::/0"
  tunnel wg1 "0.0.0.0/0, ::/0"
  host wg-quick up wg0
  before
  up wg1
  down wg1
  as_before
  host wg-quick up wg1
  down wg1
  as_before
}

@test "Q7: down removes the rules though the mark was changed since up" {
  before
  tunnel wg0 "0.0.0.0/0, ::/0"
  up wg0
  host wg set wg0 fwmark 0
  down wg0
  as_before
}

@test "Q7: down removes the rules though the peer with the default route is gone" {
  before
  tunnel wg0 "0.0.0.0/0, ::/0"
  up wg0
  host wg set wg0 peer "${TEST_KEYS[b]}" remove
  down wg0
  as_before
}

@test "Q7: down removes what up made though the file says something else now, or is gone" {
  before
  tunnel wg0 "0.0.0.0/0, ::/0"
  up wg0
  tunnel wg0 "0.0.0.0/0" "Table = off"
  down wg0
  as_before
  tunnel wg0 "0.0.0.0/0, ::/0"
  up wg0
  host rm /etc/wireguard/wg0.conf
  down wg0
  as_before
}

@test "Q8: a table whose number is the beginning of another tunnel's does not keep the tunnel up" {
  tunnel wg0 0.0.0.0/0
  up wg0
  before
  tunnel wg1 0.0.0.0/0 "FwMark = 5182"
  up wg1
  down wg1
  as_before
}

@test "Q9: rules of a table that has a name are removed" {
  host bash -c 'echo 77 tunnels >> /etc/iproute2/rt_tables'
  before
  tunnel wg0 "0.0.0.0/0, ::/0" "FwMark = 77"
  up wg0
  [ "$(rules 4 'fwmark 0x4d lookup tunnels')" = 1 ]
  down wg0
  as_before
}

@test "Q9: a mark that is the number of a table of the kernel's leaves nothing behind, and the host its routes" {
  local mark
  before
  for mark in 253 254 255; do
    tunnel wg0 0.0.0.0/0 "FwMark = $mark"
    if up wg0; then
      [ "$(host ip route show table main default)" = "default via 192.0.2.1 dev eth0 " ]
      down wg0
    fi
    as_before
  done
}

@test "Q11: a rule of the administrator's that points to the tunnel's table stays" {
  tunnel wg0 "0.0.0.0/0, ::/0" "FwMark = 4660"
  host ip rule add from 10.5.0.0/16 table 4660 priority 9
  before
  up wg0
  host ip rule add from 10.6.0.0/16 table 4660 priority 10
  down wg0
  host ip rule del priority 10
  as_before
}

@test "Q22: firewall, rules and resolver are cleaned though the interface is gone already" {
  before
  tunnel wg0 "0.0.0.0/0, ::/0" "DNS = 10.78.0.53"
  up wg0
  host grep -q 10.78.0.53 /etc/resolv.conf
  host ip link delete wg0
  down wg0
  as_before
}

# --- bringing up ---

# The interface appears while wgq is between looking for it and making it: its record is there, each of its messages to
# the kernel waits a while.
up_overtaken() { # COMMAND
  # shellcheck disable=SC2016  # expanded there
  host timeout -k 1 30 bash -c '
    strace -f -o /dev/null -e trace=sendto,sendmsg -e inject=sendto,sendmsg:delay_enter=200000 "$WGQ" up wg0 &
    until compgen -G "/run/wgq/*wg0*" > /dev/null || ! kill -0 $! 2> /dev/null; do sleep 0.01; done
    eval "$1"
    wait $!' - "$1"
}

@test "Q12: an interface that another program makes meanwhile is an error, and stays" {
  before
  tunnel wg0 0.0.0.0/0
  run ! up_overtaken 'ip link add wg0 type veth peer name other'
  host ip -d link show wg0 | grep -q veth
  host ip link delete wg0
  as_before
}

@test "Q13: undoing goes on after a step of it fails" {
  tunnel wg0 "0.0.0.0/0, ::/0" "DNS = 10.78.0.53" "PostUp = false"
  before
  # shellcheck disable=SC2016  # that program's argument
  printf '#!/bin/sh\n[ "$1" = -a ]\n' > resolvconf
  chmod +x resolvconf
  PATH=$PWD:$PATH run -3 up wg0
  [[ $output == *"resolvconf -d wg0"* ]]
  as_before
}

@test "Q13: undoing goes on though a hook has taken the interface away" {
  tunnel wg0 "0.0.0.0/0, ::/0" "PostUp = ip link delete %i; false"
  before
  run -1 up wg0
  as_before
}

# The program, or all of its process group, gets a signal while a hook blocks. What it ends with is printed.
signalled() { # SIGNAL [-: to the whole process group]
  # shellcheck disable=SC2016  # expanded there
  host timeout -k 1 30 bash -c '
    setsid env --default-signal=INT,TERM,HUP "$WGQ" up wg0 > /dev/null 2>&1 &
    until [[ -e blocking ]] || ! kill -0 $!; do sleep 0.05; done
    rm blocking
    kill -s "$1" -- "$2$!"
    wait $!
    echo "status $?"' - "$@" 2> /dev/null
}

@test "Q14: a signal in a hook of up undoes everything, and wgq dies of that signal" {
  tunnel wg0 "0.0.0.0/0, ::/0" "PostUp = touch blocking; sleep 1234"
  before
  [ "$(signalled INT)" = "status 130" ]
  as_before
  [ "$(signalled TERM)" = "status 143" ]
  as_before
  [ "$(signalled HUP)" = "status 129" ]
  as_before
  run ! host pgrep -f "sleep 1234"
}

@test "Q14: Ctrl-C, which a userspace implementation gets as well, undoes everything" {
  tunnel wg0 "0.0.0.0/0, ::/0" "PostUp = touch blocking; sleep 1234"
  before
  [ "$(signalled INT -)" = "status 130" ]
  as_before
}

@test "Q17: an interface may be called interfaces; one called all, which no kernel makes, is refused" {
  before
  tunnel interfaces "10.2.0.0/16, 0.0.0.0/0"
  up interfaces
  [[ $(host ip route get 10.2.0.1) == *"dev interfaces"* ]]
  [[ $(host ip route get 203.0.113.1) == *"dev interfaces"* ]]
  down interfaces
  as_before
  tunnel all 10.2.0.0/16
  run ! up all
  as_before
}

@test "Q18: a kernel with WireGuard that refuses makes wgq start nothing in its place, a kernel without does" {
  tunnel wg0 10.2.0.0/16
  printf '#!/bin/sh\ntouch "%s/executed"\nexit 1\n' "$PWD" > implementation
  chmod +x implementation
  export WG_QUICK_USERSPACE_IMPLEMENTATION=$PWD/implementation
  before
  run ! host setpriv --inh-caps=-net_admin --bounding-set=-net_admin "$WGQ" up wg0
  as_before
  if kernel_wireguard; then [ ! -e executed ]; else [ -e executed ]; fi
}

@test "Q19: an MTU found for a tunnel with IPv6 is not below 1280, for one without it may be" {
  host ip link set eth0 mtu 1300
  tunnel wg0 "fd02::/64" "Address = fd00::1/64"
  up wg0
  host ip link show wg0 | grep -q "mtu 1280 "
  host ip -6 address show dev wg0 | grep -q fd00::1
  down wg0
  tunnel wg0 "fd02::/64"
  up wg0
  host ip link show wg0 | grep -q "mtu 1280 "
  down wg0
  tunnel wg0 "10.2.0.0/16"
  up wg0
  host ip link show wg0 | grep -q "mtu 1220 "
}

@test "Q23: a firewall table that was left behind is replaced" {
  tunnel wg0 "0.0.0.0/0, ::/0"
  up wg0
  state | grep ^nft > fresh
  host nft list ruleset > stale
  down wg0
  before
  host nft -f - < stale
  host nft add rule ip wg-quick-wg0 preraw ip daddr 10.99.0.1 drop
  up wg0
  state | grep ^nft | diff fresh -
  down wg0
  as_before
}

@test "Q25: a port may be a service's name; what is no port is refused at once" {
  before
  tunnel wg0 10.2.0.0/16 "ListenPort = domain"
  printf 'Endpoint = 198.51.100.7:ntp\n' | host tee -a /etc/wireguard/wg0.conf > /dev/null
  up wg0
  [ "$(host wg show wg0 listen-port)" = 53 ]
  [[ $(host wg show wg0 endpoints) == *"198.51.100.7:123" ]]
  down wg0
  as_before
  local line
  for line in "198.51.100.7:no-such-service" "localhost:no-such-service" "198.51.100.7:65536" "198.51.100.7:-1"; do
    tunnel wg0 10.2.0.0/16
    printf 'Endpoint = %s\n' "$line" | host tee -a /etc/wireguard/wg0.conf > /dev/null
    run ! host timeout 5 "$WGQ" up wg0
    [ "$status" -ne 124 ]
    as_before
  done
  for line in 65536 70000 no-such-service; do
    tunnel wg0 10.2.0.0/16 "ListenPort = $line"
    run ! up wg0
    as_before
  done
}

# --- what surrounds it ---

@test "Q28: functions and programs of the caller's do not stand in for the system's" {
  local name
  mkdir bin
  for name in ip wg nft iptables ip6tables iptables-save sysctl stat readlink sort sed grep cat; do
    printf '#!/bin/sh\necho "%s $*" >> "%s/executed"\n' "$name" "$PWD" > "bin/$name"
    eval "$name() { echo 'function $name' >> '$PWD/executed'; }; export -f $name"
  done
  chmod +x bin/*
  printf 'echo BASH_ENV >> "%s/executed"\n' "$PWD" > environment
  tunnel wg0 "10.2.0.0/16, 0.0.0.0/0, ::/0" "PostUp = declare -F"
  (export PATH=$PWD/bin:$PATH BASH_ENV=$PWD/environment && up wg0 && down wg0) > out
  unset -f ip wg nft iptables ip6tables iptables-save sysctl stat readlink sort sed grep cat
  [ ! -e executed ] || { cat executed && false; }
  [ ! -s out ]
}

@test "Q30: hooks see INTERFACE and CONFIG_FILE, and nothing else of the program" {
  # shellcheck disable=SC2016  # the hook's variables
  tunnel wg0 10.2.0.0/16 "MTU = 1400" "Table = 9" \
    'PostUp = echo "$INTERFACE $CONFIG_FILE [$#][${ADDRESSES[*]}][$MTU][$TABLE][$PROGRAM][$SELF][${DNS[*]}]"; declare -F; true'
  [ "$(up wg0)" = "wg0 /etc/wireguard/wg0.conf [0][][][][][][]" ]
}
