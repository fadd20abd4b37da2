#!/usr/bin/env bats
# The ListenPort: whose it is already, in which other file it stands, and what a NAT will make of it. What is found stands in
# the file that is brought up; where it stops, nothing was touched.

bats_require_minimum_version 1.5.0

load lib

setup() {
  : "${WGQ:=$BATS_TEST_DIRNAME/../../build/wgq}"
  hold=${WGQ%/*}/tests/udp-hold
  host_new h
  # the kernel clears it for good when a WireGuard link comes up
  host_run h sh -c 'echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects'
}

teardown() {
  host_end_all
}

wgq() { host_run h "$WGQ" "$@"; }

tunnel() { # IFACE NUMBER [LINE]: a small tunnel, with that line in [Interface], on stdin more peers
  host_conf "${host:-h}" "$1" << F
[Interface]
PrivateKey = {A}
Address = 10.0.$2.1/24
${3-ListenPort = 51820}
$([[ -t 0 ]] || cat)
F
}

occupy() { # HOST ADDRESS [INTERFACE]: sets pid, as seen in there
  local fd line
  exec {fd}< <(host_run "$1" "$hold" "$2" "${port:-51820}" "${@:3}")
  read -r -u "$fd" line
  [ "$line" = ready ]
  exec {fd}<&-
  pid=$(host_run "$1" pgrep -n -x udp-hold)
}

release() { # the ports of h
  host_run h pkill -x udp-hold
  while host_run h pgrep -x udp-hold; do sleep 0.01; done
}

refused() { # TEXT...: up wg0, also as a dry run, fails with these in what it says (said), and has touched nothing
  local before text option
  before=$(host_state h)
  for option in -n -q; do
    run -1 wgq $option up wg0
    said=$output
    [ "$before" = "$(host_state h)" ]
    for text in "$@"; do
      [[ $said == *"$text"* ]] || { echo "missing: $text"; return 1; }
    done
  done
  run ! host_run h ip link show wg0
  run ! host_run h test -e /run/wgq/record*
}

silent() { # up wg0 has nothing to say of ports, and comes up
  run -0 --separate-stderr wgq -q up wg0
  [ -z "$output$stderr" ] || { echo "$stderr"; return 1; }
  wgq -q down wg0
}

warned() { # TEXT...: up wg0 says all of these, and the tunnel comes up
  local text
  run -0 wgq -q up wg0
  for text in "$@"; do
    [[ $output == *"$text"* ]] || { echo "missing: $text"; return 1; }
  done
  host_run h ip link show wg0
}

# --- port-in-use ----------------------------------------------------------------------------------------------------

@test "a port held by a process: its name and pid, and a free port" {
  tunnel wg0 0
  occupy h 0.0.0.0
  refused "/etc/wireguard/wg0.conf:4:14: error: UDP port 51820 is taken by udp-hold (pid $pid) [port-in-use]" \
    "help: write ListenPort = 51821, or stop udp-hold (pid $pid)"
  port=51821 occupy h ::1
  refused "help: write ListenPort = 51822, "
  release
  silent
}

@test "a port held by another tunnel: the interface, its file and its line there" {
  tunnel wg0 0
  tunnel other 1
  wgq -q up other
  refused "UDP port 51820 is taken by the WireGuard interface other of /etc/wireguard/other.conf" "[port-in-use]" \
    "/etc/wireguard/other.conf:4:14: note: the same port here" "help: write ListenPort = 51821, or take other down"
  # nothing more of the same file
  [[ $said != *port-shared* ]]
  if ! kernel_wireguard; then
    [[ $said == *"of /etc/wireguard/other.conf, by wireguard-go (pid "* ]]
  fi
  # of the kernel, an interface that is down has no port
  kernel_wireguard || return 0
  host_run h ip link set other down
  run -0 wgq -n up wg0
  [[ $output == *"[port-shared]"* && $output != *port-in-use* ]]
}

@test "a port held by a tunnel from elsewhere: its record knows the file; of one of wg-quick's the usual place" {
  tunnel wg0 0
  host_run h mkdir /run/files
  tunnel other 1 && host_run h mv /etc/wireguard/other.conf /run/files
  wgq -q up /run/files/other.conf
  refused "the WireGuard interface other of /run/files/other.conf" "/run/files/other.conf:4:14: note: the same port here"
  wgq -q down other
  tunnel other 1
  host_run h wg-quick up other
  refused "the WireGuard interface other of /etc/wireguard/other.conf"
  # and of one that has no file the name
  host_run h rm /etc/wireguard/other.conf
  refused "the WireGuard interface other"
  [[ $said != *"interface other of"* ]]
}

@test "a port held on one address, on IPv6 alone, on both families, on one interface" {
  tunnel wg0 0
  occupy h 127.0.0.1
  refused "UDP port 51820 is taken on 127.0.0.1 by udp-hold (pid $pid)"
  release
  occupy h ::1
  refused "UDP port 51820 is taken on ::1 by udp-hold (pid $pid)"
  release
  occupy h ::
  refused "UDP port 51820 is taken on all of IPv6 (::) by udp-hold (pid $pid)"
  release
  occupy h dual
  refused "UDP port 51820 is taken by udp-hold (pid $pid)"
  release
  occupy h 0.0.0.0 lo
  refused "UDP port 51820 is taken on 0.0.0.0 at lo by udp-hold (pid $pid)"
}

@test "two owners are both named" {
  tunnel wg0 0
  occupy h 127.0.0.1
  first=$pid
  occupy h 127.0.0.2
  refused "taken on 127.0.0.1 by udp-hold (pid $first)" "taken on 127.0.0.2 by udp-hold (pid $pid)"
}

@test "a port held by the kernel" {
  tunnel wg0 0
  host_run h ip link add vx type vxlan id 1 dstport 51820
  host_run h ip link set vx up
  refused "UDP port 51820 is taken by the kernel itself"
}

@test "a port held in another namespace is no conflict, nor is TCP, nor another port" {
  tunnel wg0 0
  host_new g
  occupy g dual
  port=51821 occupy h dual
  silent
}

@test "without ListenPort, or with 0, nothing is said and nobody is asked" {
  local calls=$BATS_TEST_TMPDIR/calls line
  occupy h dual
  for line in "" "ListenPort = 0"; do
    tunnel wg0 0 "$line"
    tunnel other 1 "$line"
    silent
    ASAN_OPTIONS=detect_leaks=0 host_run h strace -o "$calls" -e trace=bind,socket "$WGQ" -n up wg0
    run ! grep -E 'SOCK_DIAG|AF_INET' "$calls"
  done
}

@test "not root: a port that needs root is no conflict, and whose a socket is cannot always be seen" {
  tunnel wg0 0
  occupy h 0.0.0.0
  host_run h sh -c 'mkdir /run/all && cp /etc/wireguard/wg0.conf /run/all && chmod 644 /run/all/wg0.conf'
  run -1 host_run h setpriv --reuid 4711 --clear-groups "$WGQ" -n up /run/all/wg0.conf
  [[ $output == *"UDP port 51820 is taken by the kernel itself, or a process that cannot be seen from here"* ]]
  host_run h sed -i 's/51820/53/' /run/all/wg0.conf
  run -0 host_run h setpriv --reuid 4711 --clear-groups "$WGQ" -n up /run/all/wg0.conf
  [[ $output != *port-in-use* ]]
}

# --- port-shared ----------------------------------------------------------------------------------------------------

@test "another file with the same port is shown, and a port that none of them has" {
  tunnel wg0 0
  tunnel wg1 1
  tunnel wg2 2 "ListenPort = 51821"
  warned "/etc/wireguard/wg0.conf:4:14: warning: ListenPort 51820 is also that of wg1.conf in this folder, and only one tunnel can have it [port-shared]" \
    "/etc/wireguard/wg1.conf:4:14: note: the same port here" "help: write ListenPort = 51822 in one of them"
  [[ $output != *wg2* ]]
}

@test "many other files: three of them are shown" {
  local n
  for n in 0 1 2 3 4 5; do tunnel "wg$n" "$n"; done
  warned "is also that of wg1.conf and 4 more files in this folder"
  [ "$(grep -c 'note: the same port here' <<< "$output")" -eq 3 ]
  [[ $output != *wg4.conf:* ]]
}

@test "other files are read as wg reads them, up to their first peer, and none of their faults matters" {
  tunnel wg0 0
  host_run h bash -ec '
    cd /etc/wireguard
    printf "[Interface]\nNonsense\nFwMark = x\n  listen port=5 18 20 # K\n[Peer]\nPublicKey = x\n" > blanks.conf
    printf "\xef\xbb\xbf[Interface]\nListenPort = 51820\n" > bom.conf
    printf "[Interface]\nListenPort = 51820\nListenPort = 7\n" > last-wins.conf
    printf "[Interface]\n[Peer]\n[Interface]\nListenPort = 51820\n" > behind-peer.conf
    printf "ListenPort = 51820\n" > no-section.conf
    printf "[Interface]\nListenPort = 51820\n" > .hidden.conf
    printf "[Interface]\nListenPort = 51820\n" > other.txt
    printf "[Interface]\n#ListenPort = 51820\n" > comment.conf
    ln -s wg0.conf link.conf
    ln wg0.conf hard.conf
    ln -s nowhere broken.conf
    mkdir folder.conf
    mkfifo pipe.conf
    ln -s /dev/zero zero.conf
    head -c 200000 /dev/urandom > junk.conf
    (echo "[Interface]"; yes "# comment" | head -c 100000; echo "ListenPort = 51820") > far.conf'
  warned "is also that of blanks.conf and 1 more file in this folder" "blanks.conf:4:15: note: the same port here" \
    "    4 |   listen port=5 18 20 # K" "bom.conf:2:14: note: the same port here"
  [ "$(grep -c '\.conf:' <<< "$output")" -eq 3 ]
}

@test "another file's secrets stay its own" {
  tunnel wg0 0
  tunnel wg1 1 "ListenPort = 51820 # {A}"
  warned "    4 | ListenPort = 51820 # (hidden)"
  [[ $output != *"$(fill <<< '{A}')"* ]]
}

@test "the file itself by another name is no other file" {
  tunnel wg0 0
  host_run h ln -s wg0.conf /etc/wireguard/wg9.conf
  silent
  host_run h mkdir /run/files
  host_run h mv /etc/wireguard/wg0.conf /run/files/
  host_run h ln -s /run/files/wg0.conf /etc/wireguard/wg0.conf
  silent
}

# --- nat-port-clash -------------------------------------------------------------------------------------------------

peer() { # LETTER ENDPOINT
  printf '[Peer]\nPublicKey = {%s}\nAllowedIPs = 10.0.0.%d/32\nEndpoint = %s\n' "$1" "'$1" "$2"
}

home() { # HOST NUMBER: of the network behind the router
  host_link "$1" eth0 "192.168.1.$2/24" router "to-$1" ''
  host_run router ip link set "to-$1" master lan
  host_run "$1" ip route add default via 192.168.1.1
}

# h and other at home behind one NAT, relay outside
build_site() {
  host_new router other relay
  host_run router ip -batch - <<< $'link add lan type bridge\nlink set lan up\naddress add 192.168.1.1/24 dev lan'
  home h 3
  home other 4
  host_link router wan 203.0.113.254/24 relay eth0 203.0.113.100/24
  host_run router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; nft -f -' << 'N'
table ip home { chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }; }
N
  host_conf relay wg0 << 'F'
[Interface]
PrivateKey = {C}
Address = 10.0.0.100/24
ListenPort = 51820
[Peer]
PublicKey = {a}
AllowedIPs = 10.0.0.3/32
[Peer]
PublicKey = {b}
AllowedIPs = 10.0.0.4/32
F
  host_conf other wg0 << 'F'
[Interface]
PrivateKey = {B}
Address = 10.0.0.4/24
ListenPort = 51820
[Peer]
PublicKey = {a}
AllowedIPs = 10.0.0.3/32
Endpoint = 192.168.1.3:51820
[Peer]
PublicKey = {c}
AllowedIPs = 10.0.0.100/32
Endpoint = 203.0.113.100:51820
PersistentKeepalive = 1
F
  host_run relay "$WGQ" -q up wg0
  host_run other "$WGQ" -q up wg0
}

seen_ports() { # by the relay, of both
  for _ in {1..100}; do
    ports=$(host_run relay wg show wg0 endpoints | sed 's/.*://' | sort | tr '\n' ' ')
    [[ $ports == *none* ]] || break
    sleep 0.1
  done
  echo "the relay sees $ports"
}

@test "two hosts behind one NAT on one port: said on the second's up, with the evidence; and so it comes" {
  build_site
  host_conf h wg0 << 'F'
[Interface]
PrivateKey = {A}
Address = 10.0.0.3/24
ListenPort = 51820
[Peer]
PublicKey = {b}
AllowedIPs = 10.0.0.4/32
Endpoint = 192.168.1.4:51820
[Peer]
PublicKey = {c}
AllowedIPs = 10.0.0.100/32
Endpoint = 203.0.113.100:51820
PersistentKeepalive = 1
F
  warned "/etc/wireguard/wg0.conf:4:14: warning: peer McgvAeUM... at 192.168.1.4 has port 51820 too: " "[nat-port-clash]" \
    "towards peer vDff87R8..." \
    "/etc/wireguard/wg0.conf:8:12: note: 192.168.1.4 is on this host's own network, 192.168.1.0/24 of eth0" \
    "/etc/wireguard/wg0.conf:12:12: note: 203.0.113.100 is outside, and is sent to from 192.168.1.3" \
    "help: write ListenPort = 51821, here and in the Endpoints that name this host; or, if none does, delete the line"
  seen_ports
  [[ $ports != "51820 51820 " && $ports == *51820* ]]
  # with the cure
  wgq -q down wg0
  host_run h sed -i 's/^ListenPort = .*/ListenPort = 51821/' /etc/wireguard/wg0.conf
  run -0 wgq -q up wg0
  [ -z "$output" ]
  for _ in {1..100}; do
    seen_ports
    [[ $ports != "51820 51821 " ]] || break
    sleep 0.1
  done
  [ "$ports" = "51820 51821 " ]
}

@test "the suggested port is none that a peer of the site has, and free here" {
  host_uplink h eth0 192.168.1.3/24 192.168.1.1
  port=51822 occupy h 127.0.0.1
  tunnel wg0 0 < <(peer b 192.168.1.4:51820; peer c 192.168.1.5:51821; peer d 203.0.113.9:51823)
  warned "help: write ListenPort = 51823, here"
}

@test "several neighbours on the port are all shown" {
  host_uplink h eth0 192.168.1.3/24 192.168.1.1
  tunnel wg0 0 < <(peer b 192.168.1.4:51820; peer c 192.168.1.5:51820; peer d 203.0.113.9:51820)
  warned "192.168.1.4 is on this host's own network" "192.168.1.5 is on this host's own network"
}

@test "three public hosts on one port say nothing" {
  host_uplink h eth0 203.0.113.1/24 203.0.113.254
  tunnel wg0 0 < <(peer b 203.0.113.2:51820; peer c 198.51.100.3:51820)
  silent
}

@test "a host with a public address where its packets leave is behind no NAT" {
  host_uplink h eth0 203.0.113.1/24,192.168.1.3/24 203.0.113.254
  tunnel wg0 0 < <(peer b 192.168.1.4:51820; peer c 198.51.100.3:51820)
  silent
}

@test "other ports, other networks, nobody outside: nothing" {
  host_uplink h eth0 192.168.1.3/24 192.168.1.1
  host_uplink h eth1 172.16.0.3/24
  # another port
  tunnel wg0 0 < <(peer b 192.168.1.4:51821; peer c 203.0.113.9:51820)
  silent
  # not on our network; on one by which nothing leaves; this host itself
  tunnel wg0 0 < <(peer b 192.168.2.4:51820; peer d 172.16.0.4:51820; peer c 203.0.113.9:51820)
  silent
  tunnel wg0 0 < <(peer b 192.168.1.3:51820; peer c 203.0.113.9:51820)
  silent
  # nobody outside: private, shared and link-local addresses, IPv6
  tunnel wg0 0 < <(peer b 192.168.1.4:51820; peer c 10.9.9.9:51820; peer d '[2001:db8::1]:51820')
  silent
  tunnel wg0 0 < <(peer b 192.168.1.4:51820; peer c 100.64.0.9:51820; peer d 169.254.0.9:51820)
  silent
  # outside, but no way there
  host_run h ip route del default
  tunnel wg0 0 < <(peer b 192.168.1.4:51820; peer c 203.0.113.9:51820)
  silent
}
