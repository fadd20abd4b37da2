# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The MTU: told, or found from the ways to the endpoints.

# A tunnel with these endpoints, one peer each.
towards() { # ADDRESS ENDPOINT...
  local keys=('{b}' '{c}' '{d}') n=0 endpoint
  {
    printf '[Interface]\nPrivateKey = {A}\nAddress = %s\n' "$1"
    for endpoint in "${@:2}"; do printf '[Peer]\nPublicKey = %s\nEndpoint = %s\n' "${keys[n++]}" "$endpoint"; done
  } | config wg0
}

mtu_told() {
  internet
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\nMTU = 1500\nMTU = 1380\n' | config wg0
  cycle
}

mtu_hex() {
  internet
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\nMTU = 0x500\n' | config wg0
  cycle
}

mtu_refused() {
  local mtu
  internet
  for mtu in 1400x -5 70000 20 word "1400 1500" 99999999999; do
    printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\nMTU = %s\n' "$mtu" | refused "$mtu"
  done
  state refused
}

mtu_endpoint_interface() {
  internet
  here_uplink eth1 203.0.113.2/24 "" 1333
  towards 10.1.0.1/24 203.0.113.7:1
  cycle
}

mtu_several_endpoints() { # Debian's takes the largest
  internet
  here_uplink eth1 203.0.113.2/24 "" 1390
  here_uplink eth2 203.0.112.2/24 "" 1450
  towards 10.1.0.1/24 198.51.100.7:1 203.0.113.7:1 203.0.112.7:1
  cycle
  expect << 'EOF'
< up: link wg0 mtu 1420
> up: link wg0 mtu 1310
< up: sysctl net/ipv6/conf/wg0/mtu:1420
> up: sysctl net/ipv6/conf/wg0/mtu:1310
EOF
}

mtu_of_route() {
  internet
  ip route add 198.51.100.0/24 via 192.0.2.1 mtu 1400
  towards 10.1.0.1/24 198.51.100.7:1
  cycle
}

mtu_of_route_locked() { # only the interface counts
  internet
  ip route add 198.51.100.0/24 via 192.0.2.1 mtu lock 1400
  towards 10.1.0.1/24 198.51.100.7:1
  cycle
}

mtu_ipv6_endpoint() {
  internet
  ip -6 route add 2001:db8:7::/64 via 2001:db8::1 mtu 1400
  towards "10.1.0.1/24, fd00::1/64" "[2001:db8:7::7]:1"
  cycle
}

mtu_endpoint_without_route() {
  here_uplink eth0 192.0.2.2/24
  towards 10.1.0.1/24 198.51.100.7:1
  cycle
}

mtu_endpoint_unreachable() { # the default route's interface counts then
  here_uplink eth0 192.0.2.2/24 192.0.2.1 1450
  ip route add unreachable 198.51.100.0/24
  towards 10.1.0.1/24 198.51.100.7:1
  cycle
}

mtu_endpoint_here() {
  internet
  towards 10.1.0.1/24 127.0.0.1:1
  cycle
}

mtu_of_default_route() {
  here_uplink eth0 192.0.2.2/24 192.0.2.1 1450
  here_uplink eth1 203.0.113.2/24 "" 1333
  ip route add default via 203.0.113.1 metric 5
  towards 10.1.0.1/24
  cycle
}

mtu_of_default_route_metric() {
  here_uplink eth0 192.0.2.2/24 "" 1450
  ip route add default via 192.0.2.1 mtu 1410
  towards 10.1.0.1/24
  cycle
}

mtu_without_default_route() {
  towards 10.1.0.1/24
  cycle
}

mtu_multipath() {
  here_uplink eth0 192.0.2.2/24 "" 1450
  here_uplink eth1 203.0.113.2/24 "" 1333
  ip route add default nexthop via 192.0.2.1 nexthop via 203.0.113.1
  towards 10.1.0.1/24
  cycle
}

mtu_small_ipv4() {
  here_uplink eth0 192.0.2.2/24 192.0.2.1 1300
  towards 10.1.0.1/24
  cycle
}

# Debian's goes below 1280, and the kernel then takes the addresses away.
mtu_small_ipv6() {
  here_uplink eth0 192.0.2.2/24 192.0.2.1 1300
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24, fd00::1/64" "$(debian && echo "MTU = 1280")" \
    "[Peer]" "PublicKey = {b}" "AllowedIPs = fd01::/64" | config wg0
  cycle
}

mtu_tiny() {
  here_uplink eth0 192.0.2.2/24 192.0.2.1 100
  towards 10.1.0.1/24
  cycle
}
