# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The guest as a relay of a mesh, with the host software under test beside it, two peers and a host that knows nothing of
# the tunnel. Every path is probed by TCP: ufw and firewalld let pings through that they drop nothing else for.
#
#   p1 10.0.0.1 fd00:a::1 ---+                                     +--- outside 203.0.113.2 2001:db8::2
#                            +--- relay 10.0.0.100 fd00:a::100 ---+
#   p2 10.0.0.2 fd00:a::2 ---+          (this guest)
#
#   relay_build               lets IPv6 be forwarded, makes hosts and cables; each listens on port 7000, the relay too. From the process
#                             that is to own them
#   relay_conf [LINE...]      the relay's wg0.conf, with these lines more in [Interface]; its peers have no Endpoint
#   relay_up                  brings the relay up (its output and status are wgq's), then the peers anew; waits for their
#                             handshakes, if they can come to be
#   relay_down
#   reach FROM TO             opens a connection from p1, p2 or outside to p1, p2, relay or outside by both families;
#                             prints those by which it came to be: "4 6", "4", "6" or nothing
#   relay_is_blocked ANSWER   fails if reach gives another answer from peer to peer where the kernel forwards and nothing
#                             is declared: what relay_serves then finds is due to what is declared
#   relay_serves INPUT OUTSIDE COMMAND...
#                             fails unless a relay does what it declares, with Forward = mesh and with Forward = yes, before
#                             COMMAND and after, and leaves all as it was. INPUT: what reach says from a peer to the relay
#                             if nothing is declared; OUTSIDE: from outside to a peer under Forward = yes
#   relay_state               what a tunnel could have changed here: here_state and the rules of iptables-legacy; no counters
#                             and clocks

# shellcheck source=tests/netns/lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/../netns/lib.bash"
: "${WGQ:=$PWD/build/wgq}"

declare -gA RELAY_4=([p1]=10.0.0.1 [p2]=10.0.0.2 [relay]=10.0.0.100 [outside]=203.0.113.2)
declare -gA RELAY_6=([p1]=fd00:a::1 [p2]=fd00:a::2 [relay]=fd00:a::100 [outside]=2001:db8::2)

relay_peer() { # NAME KEY: its wg0.conf
  host_conf "$1" wg0 << F
[Interface]
PrivateKey = {$2}
Address = ${RELAY_4[$1]}/16, ${RELAY_6[$1]}/64
[Peer]
PublicKey = {c}
Endpoint = 10.99.${1#p}.1:51820
AllowedIPs = 10.0.0.0/16, fd00:a::/64, 203.0.113.0/24, 2001:db8::/64
PersistentKeepalive = 1
F
}

relay_build() {
  # what the kernel clears for good when a WireGuard link comes up, and what wgq leaves on by its contract
  sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv6.conf.all.forwarding=1
  local -x host_pid_relay=1 # the guest's own process 1
  local h
  host_new p1 p2 outside
  host_link relay lan1 10.99.1.1/24 p1 eth0 10.99.1.2/24
  host_link relay lan2 10.99.2.1/24 p2 eth0 10.99.2.2/24
  host_link relay up0 203.0.113.1/24 outside eth0 203.0.113.2/24
  ip -6 address add 2001:db8::1/64 dev up0 nodad
  ip route add default via 203.0.113.2
  ip route add default via 2001:db8::2
  host_run outside ip -batch - << 'F'
address add 2001:db8::2/64 dev eth0 nodad
route add 10.0.0.0/16 via 203.0.113.1
route add fd00:a::/64 via 2001:db8::1
F
  relay_peer p1 A
  relay_peer p2 B
  for h in p1 p2 outside; do
    host_run "$h" ncat -lk -p 7000 > /dev/null 2>&1 3>&- &
  done
  setpriv --pdeathsig KILL ncat -lk -p 7000 > /dev/null 2>&1 3>&- & # no host's end takes it along
}

relay_conf() {
  {
    printf '%s\n' '[Interface]' 'PrivateKey = {C}' 'Address = 10.0.0.100/16, fd00:a::100/64' 'ListenPort = 51820' "$@"
    printf '[Peer]\nPublicKey = {a}\nAllowedIPs = 10.0.0.1/32, fd00:a::1/128\n'
    printf '[Peer]\nPublicKey = {b}\nAllowedIPs = 10.0.0.2/32, fd00:a::2/128\n'
  } | here_conf wg0
}

relay_up() {
  local status=0 p peers=()
  "$WGQ" up wg0 || status=$?
  for p in p1 p2; do
    { host_run "$p" "$WGQ" -q down wg0 2> /dev/null || true; host_run "$p" "$WGQ" -q up wg0; } &
    peers+=("$!")
  done
  wait "${peers[@]}" # not for what else runs in the background
  for _ in {1..30}; do
    wg show wg0 latest-handshakes | grep -qw 0 || break
    sleep 0.1
  done
  return "$status"
}

relay_down() { "$WGQ" down wg0; }

# An open connection is a packet there and one back; a program that starts faster than bash does not come with Debian.
reach() { # FROM TO
  # shellcheck disable=SC2016  # expanded by that bash
  host_run "$1" bash -c '
    for family in 4 6; do
      timeout 2 bash -c ": < /dev/tcp/$1/7000" 2> /dev/null && echo "$family" &
      shift
    done
    wait' _ "${RELAY_4[$2]}" "${RELAY_6[$2]}" | sort | xargs
}

relay_state() {
  {
    here_state
    iptables-legacy-save
    ip6tables-legacy-save
  } 2> /dev/null | sed -E 's/counter packets [0-9]+ bytes [0-9]+/counter/; s/_timer +[0-9.]+/_timer/g; s/\[[0-9]+:[0-9]+\]$//; /^# /d'
}

# up has nothing to complain of.
relay_up_silent() {
  local output
  output=$(relay_up 2>&1) || { printf '%s\n' "$output"; return 1; }
  printf '%s\n' "$output"
  [[ $output != *warning:* && $output != *error:* ]]
}

expect() { # FROM TO ANSWER
  local answer
  answer=$(reach "$1" "$2")
  [[ $answer == "$3" ]] && return
  echo "$1 -> $2: '$answer' instead of '$3'"
  nft list ruleset 2> /dev/null || { iptables-save; ip6tables-save; }
  sysctl -a 2> /dev/null | grep -E 'forwarding|ip_forward'
  return 1
}

# Closed but for the port.
relay_close_input() { # IPTABLES...
  local iptables
  for iptables in "$@"; do
    "$iptables" -A INPUT -i lo -j ACCEPT &&
      "$iptables" -A INPUT -p udp --dport 51820 -j ACCEPT &&
      { [[ $iptables != ip6* ]] || "$iptables" -A INPUT -p ipv6-icmp -j ACCEPT; } && # or nobody finds nobody
      "$iptables" -P INPUT DROP || return
  done
}

relay_is_blocked() { # ANSWER
  relay_conf 'PostUp = echo 1 > /proc/sys/net/ipv4/conf/%i/forwarding'
  relay_up && expect p1 p2 "$1" && relay_down
}

# Programs that show all of iptables' rules still can: one expression that they do not know, and they show none.
tables_parse() {
  local iptables
  for iptables in iptables ip6tables; do
    "$iptables" -t nat -S > /dev/null && "$iptables-save" | "$iptables-restore" --test || return
    diff <("$iptables" -S | grep -- ^-A) <("$iptables-save" -t filter | grep -- ^-A) || return
  done
}

relay_meshes() { # INPUT
  expect p1 p2 "4 6" && expect p2 p1 "4 6" && expect p1 outside "" && expect outside p1 "" && expect p1 relay "$1" &&
    tables_parse
}

relay_routes() { # OUTSIDE
  expect p1 p2 "4 6" && expect p1 outside "4 6" && expect outside p1 "$1" && expect p1 relay "4 6" && tables_parse
}

# After COMMAND it flows still, or by one more down and up.
serves() { # CHECK ARGUMENT COMMAND...
  relay_up_silent && "$1" "$2" && "${@:3}" || return
  "$1" "$2" > /dev/null || { echo "# once more after ${*:3}" >&3 && relay_down && relay_up_silent && "$1" "$2"; } || return
  relay_down
}

relay_serves() { # INPUT OUTSIDE COMMAND...
  local before=$BATS_TEST_TMPDIR/before
  "${@:3}" || return
  relay_state > "$before"
  relay_conf 'Forward = mesh'
  serves relay_meshes "$1" "${@:3}" && diff "$before" <(relay_state) || return
  relay_conf 'Forward = yes' 'Masquerade = up0' 'AllowFrom = peers'
  serves relay_routes "$2" "${@:3}" && diff "$before" <(relay_state)
}

# Peers without an Endpoint cannot reach us: up says so and how to open the port.
relay_port_is_reported() { # WORDS: of the command that opens it
  local output
  relay_conf 'Forward = mesh'
  output=$(relay_up 2>&1) || { printf '%s\n' "$output"; return 1; }
  printf '%s\n' "$output"
  [[ $output == *"[port-blocked]"* && $output == *"$1"* ]] && expect p1 p2 "" && relay_down
}

relay_ufw() {
  ufw --force enable || return
  relay_port_is_reported "ufw allow 51820/udp" && ufw allow 51820/udp && relay_is_blocked "" &&
    relay_serves "" "" ufw reload
}
