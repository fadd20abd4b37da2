# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# `Table`, `FwMark` and `AllowedIPs`: routes, rules, and the default route's firewall.

# A tunnel whose one peer has these AllowedIPs; more lines for [Interface] may follow.
tunnel() { # IFACE ALLOWED_IPS [LINE...]
  printf '%s\n' "[Interface]" "Address = 10.78.0.2/24, fd00:78::2/64" "PrivateKey = {A}" "${@:3}" \
    "[Peer]" "PublicKey = {b}" "Endpoint = 198.51.100.7:51820" "AllowedIPs = $2" | config "$1"
}

route_covered() {
  internet
  tunnel wg0 "10.78.0.7/32, 10.78.0.0/24, 10.78.0.0/25, 10.78.0.0/16, 10.79.0.0/16, fd00:78::7/128, fd00:78::/64, fd00:78::/48"
  cycle
}

route_order() {
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
Address = 10.90.0.1/16, fd90::1/64, 10.91.0.5, fd91::7
[Peer]
PublicKey = {b}
AllowedIPs = 10.0.0.0/8, 9.0.0.0/8, 192.168.1.8/32, 192.168.1.0/24, 0.0.0.0/1, ::/1, fd91::/64, 10.90.1.0/24, 172.16.0.0/12
[Peer]
PublicKey = {c}
AllowedIPs = 192.168.1.7/32, 128.0.0.0/1, 8000::/1, 200.0.0.0/7, ff00::/8, 224.0.0.0/4, 10.91.0.5/32, 10.91.0.0/24, fd91::7/128
EOF
  cycle
}

route_own_network_of_hook() { # a route that PreUp makes covers as well; Debian's runs PreUp before there is an interface
  internet
  if debian; then
    tunnel wg0 "10.50.1.0/24, fd50:1::/64" "Table = off" \
      "PostUp = ip route add 10.50.0.0/16 dev %i; ip -6 route add fd50::/16 dev %i"
  else
    tunnel wg0 "10.50.1.0/24, fd50:1::/64" \
      "PreUp = ip link set %i up; ip route add 10.50.0.0/16 dev %i; ip -6 route add fd50::/16 dev %i"
  fi
  cycle
}

default_ipv4() {
  internet
  tunnel wg0 "0.0.0.0/0"
  cycle
}

default_ipv6() {
  internet
  tunnel wg0 "::/0"
  cycle
}

default_dual() {
  internet
  config wg0 << 'EOF'
[Interface]
Address = 10.78.0.2/32, fd00:78::2/128
PrivateKey = {A}
[Peer]
PublicKey = {b}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 198.51.100.7:51820
EOF
  cycle
}

default_many_addresses() { # one rule against spoofing each
  internet
  config wg0 << 'EOF'
[Interface]
Address = 10.78.0.2/24, 10.79.0.2/24, 10.80.0.2, fd00:78::2/64, fd00:79::2/64, fd00:80::2
PrivateKey = {A}
[Peer]
PublicKey = {b}
AllowedIPs = 0.0.0.0/0, ::/0
EOF
  cycle
}

default_without_address() {
  internet
  printf '[Interface]\nPrivateKey = {A}\n[Peer]\nPublicKey = {b}\nAllowedIPs = 0.0.0.0/0, ::/0\n' | config wg0
  cycle
}

default_and_others() {
  internet
  tunnel wg0 "10.0.0.0/8, 0.0.0.0/0, 192.168.0.0/16, fd00::/16, ::/0, 2000::/3"
  cycle
}

default_two_peers() { # the prefix moves to the later peer
  internet
  tunnel wg0 "0.0.0.0/0"
  printf '[Peer]\nPublicKey = {c}\nAllowedIPs = 0.0.0.0/0, 10.1.0.0/24\n' | fill >> /etc/wireguard/wg0.conf
  cycle
}

default_halves() { # neither is a default route
  internet
  tunnel wg0 "0.0.0.0/1, 128.0.0.0/1, ::/1, 8000::/1"
  cycle
}

default_marked() {
  internet
  tunnel wg0 "0.0.0.0/0, ::/0" "FwMark = 0x1234"
  cycle
}

default_table_auto() {
  internet
  tunnel wg0 "0.0.0.0/0, ::/0" "Table = auto"
  cycle
}

default_tables_taken() {
  internet
  ip route add 10.66.0.0/16 dev eth0 table 51820
  ip -6 route add fd66::/64 dev eth0 table 51821
  tunnel wg0 "0.0.0.0/0, ::/0"
  cycle
}

# Debian's looks at routes only: its tunnel would be captured by the rule that is there.
default_table_taken_by_rule() {
  internet
  ip rule add from 10.66.0.0/16 table 51820 priority 500
  tunnel wg0 "0.0.0.0/0, ::/0" "$(debian && echo "FwMark = 51821")"
  cycle
}

default_among_rules() { # priorities are the kernel's choice: one below the second rule that there is
  internet
  ip rule add from 10.66.0.0/16 table 66 priority 100
  ip rule add from 10.67.0.0/16 table 67 priority 1000
  ip -6 rule add from fd66::/64 table 66 priority 7
  tunnel wg0 "0.0.0.0/0, ::/0"
  cycle
}

# Debian's takes the suppress rules of all tunnels away with the first one that goes down.
default_two_tunnels() {
  internet
  tunnel wg0 "0.0.0.0/0, ::/0"
  sed 's/10\.78/10.79/; s/00:78/00:79/' /etc/wireguard/wg0.conf > /etc/wireguard/wg1.conf
  chmod 600 /etc/wireguard/wg1.conf
  up wg0
  up wg1
  state both
  down wg0
  state one
  down wg1
  state none
  expect << 'EOF'
> one: rule4: 32762: from all lookup main suppress_prefixlength 0 proto unspec
> one: rule6: 32762: from all lookup main suppress_prefixlength 0 proto unspec
EOF
}

mark_without_default() {
  internet
  tunnel wg0 "10.1.0.0/16" "FwMark = 99" "ListenPort = 12345"
  cycle
}

mark_off() {
  internet
  tunnel wg0 "0.0.0.0/0" "FwMark = 7" "FwMark = OFF"
  cycle
}

table_off() {
  internet
  config wg0 << 'EOF'
[Interface]
Address = 10.79.0.1/24
PrivateKey = {A}
Table = off
MTU = 1380
[Peer]
PublicKey = {b}
AllowedIPs = 0.0.0.0/0, 10.79.0.0/24, 10.80.0.0/24
EOF
  cycle
}

table_number() { # nothing is covered there, and a default route is a route like any other
  internet
  tunnel wg0 "0.0.0.0/0, ::/0, 10.78.0.0/24, 10.80.0.0/16" "Table = 123"
  cycle
}

table_hex() {
  internet
  tunnel wg0 "10.80.0.0/16, fd80::/64" "Table = 0x123"
  cycle
}

table_octal() {
  internet
  tunnel wg0 "10.80.0.0/16, fd80::/64" "Table = 010"
  cycle
}

table_large() {
  internet
  tunnel wg0 "10.80.0.0/16, fd80::/64" "Table = 4294967295"
  cycle
}

table_name() {
  internet
  mkdir -p /etc/iproute2
  printf '# a comment\n 77\ttunnels # another\n' >> /etc/iproute2/rt_tables
  tunnel wg0 "10.80.0.0/16, 0.0.0.0/0, fd80::/64" "Table = tunnels"
  cycle
}

table_zero() { # is main
  internet
  tunnel wg0 "10.80.0.0/16, fd80::/64" "Table = 0"
  cycle
}

table_main() {
  internet
  tunnel wg0 "10.80.0.0/16, fd80::/64" "Table = main"
  cycle
}

table_default() {
  internet
  tunnel wg0 "10.80.0.0/16, fd80::/64" "Table = default"
  cycle
}

table_refused() {
  local table
  internet
  for table in Auto OFF nosuchtable -1 4294967296 12x 0x "12 13"; do
    tunnel table "10.80.0.0/16" "Table = $table"
    refused "$table" < /etc/wireguard/table.conf
  done
  state refused
}

route_taken() { # a route that is there already is an error, and what was done before it is undone
  internet
  ip route add 10.80.0.0/16 dev eth0
  tunnel wg0 "0.0.0.0/0, ::/0, 10.79.0.0/16, 10.80.0.0/16"
  up wg0
  state ipv4
  ip route del 10.80.0.0/16
  ip -6 route add fd80::/64 dev eth0
  tunnel wg0 "10.79.0.0/16, fd80::/64"
  up wg0
  state ipv6
}

default_taken() {
  internet
  tunnel wg0 "0.0.0.0/0" "Table = main"
  up wg0
  state main
  ip route add 0.0.0.0/0 dev eth0 table 4660
  tunnel wg0 "0.0.0.0/0" "FwMark = 0x1234"
  up wg0
  state marked
}
