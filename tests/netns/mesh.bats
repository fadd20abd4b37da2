#!/usr/bin/env bats
# Published set-ups of several hosts, up and down with real traffic.

setup() {
  load lib
  : "${WGQ:=$BATS_TEST_DIRNAME/../../build/wgq}"
}

teardown() {
  host_end_all
}

@test "five hosts, a relay and a NAT: all 20 pairs, each its way, nothing left (the demo)" {
  run "$BATS_TEST_DIRNAME/demo" "$WGQ"
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${lines[-1]}" = "20 of 20 pairs" ]
}

@test "the demo fails where the relay does not forward" {
  cp -r "$BATS_TEST_DIRNAME"/{demo,lib.bash,mesh} "$BATS_TEST_TMPDIR"
  sed -i '/^Post/d' "$BATS_TEST_TMPDIR/mesh/C.conf"
  run "$BATS_TEST_TMPDIR/demo" "$WGQ"
  [ "$status" -eq 1 ]
  [ "${lines[-1]}" = "demo: 12 of 20 pairs" ]
}

# A -> B -> C over four interfaces on three hosts. As published it is built by hand: ip link add, ip address add, wg setconf with
# AllowedIPs = 0.0.0.0/0 on every peer, and two routes set by ip route add. Here the addresses are Address lines and the
# routes PostUp lines. Table = off, because the text wants no more than those two: without it 0.0.0.0/0 means the
# default route, for wgq as for wg-quick. That B forwards goes without saying in the text; here it is set.
chain() {
  host_new lan A B C
  host_run lan ip -batch - <<< $'link add lan type bridge\nlink set lan up'
  local h n=10
  for h in A B C; do
    host_link "$h" eth0 "10.211.55.$n/24" lan "$h" ''
    host_run lan ip link set "$h" master lan
    n=$((n + 1))
  done
  host_run A sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward'
  host_run C sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward'
  host_run B sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'

  host_conf A wg0-client << 'F'
[Interface]
ListenPort = 11111
PrivateKey = {A}
Address = 10.1.0.1/24
Table = off
PostUp = ip route add 10.2.0.0/24 via 10.1.0.2

[Peer]
PublicKey = {b}
AllowedIPs = 0.0.0.0/0
Endpoint = 10.211.55.11:22222
PersistentKeepalive = 15
F
  host_conf B wg0-server << 'F'
[Interface]
ListenPort = 22222
PrivateKey = {B}
Address = 10.1.0.2/24
Table = off

[Peer]
PublicKey = {a}
AllowedIPs = 0.0.0.0/0
Endpoint = 10.211.55.10:11111
PersistentKeepalive = 15
F
  host_conf B wg1-client << 'F'
[Interface]
ListenPort = 23333
PrivateKey = {B}
Address = 10.2.0.1/24
Table = off

[Peer]
PublicKey = {c}
AllowedIPs = 0.0.0.0/0
Endpoint = 10.211.55.12:33333
PersistentKeepalive = 15
F
  host_conf C wg0-server << 'F'
[Interface]
ListenPort = 33333
PrivateKey = {C}
Address = 10.2.0.2/24
Table = off
PostUp = ip route add 10.1.0.0/24 via 10.2.0.1

[Peer]
PublicKey = {b}
AllowedIPs = 0.0.0.0/0
Endpoint = 10.211.55.11:23333
PersistentKeepalive = 15
F
}

# The kernel clears all.send_redirects for good when a WireGuard link comes up.
chain_state() {
  local h
  for h in A B C; do host_state "$h"; done | grep -v 'conf/all/send_redirects'
}

@test "a chain of four interfaces on three hosts: A reaches C through B, nothing left" {
  chain
  local before
  before=$(chain_state)
  # B first: who is there needs no second try of a handshake
  host_run B "$WGQ" up wg0-server
  host_run B "$WGQ" up wg1-client
  host_run A "$WGQ" up wg0-client
  host_run C "$WGQ" up wg0-server

  host_run A ping -n -c 2 -i 0.2 -w 10 10.1.0.2
  host_run B ping -n -c 2 -i 0.2 -w 10 10.2.0.2
  run host_run A ping -n -c 2 -i 0.2 -w 10 10.2.0.2
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *ttl=63* ]] # one router on the way
  host_run C ping -n -c 2 -i 0.2 -w 10 10.1.0.1

  host_run A "$WGQ" down wg0-client
  host_run B "$WGQ" down wg0-server
  host_run B "$WGQ" down wg1-client
  host_run C "$WGQ" down wg0-server
  diff <(echo "$before") <(chain_state)
}
