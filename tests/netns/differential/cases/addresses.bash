# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What `Address` may say, and how it ends up on the interface.

simple() {
  internet
  config wg0 << 'EOF'
[Interface]
Address = 10.77.0.1/24
PrivateKey = {A}
ListenPort = 51999

[Peer]
PublicKey = {b}
AllowedIPs = 10.77.0.2/32, 192.168.50.0/24
Endpoint = 198.51.100.7:51820
PersistentKeepalive = 25
EOF
  cycle
}

address_several() {
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
Address = 10.1.0.1/24, 10.1.1.1/25,10.1.2.1
Address = fd00:1::1/64,fd00:2::1 10.1.3.1/30
Address =
Address = ,10.1.4.1/31,
EOF
  cycle
}

address_one_network() { # the second one becomes a secondary
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
Address = 10.1.0.1/24, 10.1.0.2/24, 10.1.0.3/32, fd00::1/64, fd00::2/64
[Peer]
PublicKey = {b}
AllowedIPs = 10.1.0.0/24, 10.1.0.3/32, fd00::/64
EOF
  cycle
}

address_netmask() {
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
Address = 10.1.0.1/255.255.255.0, 10.2.0.1/255.240.0.0
EOF
  cycle
}

address_short() { # missing octets are zero
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
Address = 10.1/16, 11, 12.7.1/24
EOF
  cycle
}

address_octal_hex() {
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
Address = 012.0.0.1/24, 0x0b.1.0.1/24
EOF
  cycle
}

address_own_host_route() { # an own IPv4 /32 does not cover the same allowed IP, an own IPv6 /128 does
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
Address = 10.9.0.1, fd09::1
[Peer]
PublicKey = {b}
AllowedIPs = 10.9.0.1/32, 10.9.0.2/32, fd09::1/128, fd09::2/128
EOF
  cycle
}

address_ipv6_only() {
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
Address = FD00:0:0::10.0.0.1/64, fe80::99/64
[Peer]
PublicKey = {b}
AllowedIPs = fd00::/48
EOF
  cycle
}

address_none() {
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
[Peer]
PublicKey = {b}
AllowedIPs = 10.1.0.0/24, fd00::/64
EOF
  cycle
}

address_of_network() {
  internet
  config wg0 << 'EOF'
[Interface]
PrivateKey = {A}
Address = 10.1.0.0/24, fd00::/64
[Peer]
PublicKey = {b}
AllowedIPs = 10.1.0.0/16
EOF
  cycle
}

address_refused() {
  local address
  internet
  for address in 10.1.0.1/33 10.1.0.1/ /24 10.1.0.1/-1 10.1.0.256/24 10.0.0.0.1/8 fd00::1/129 fd00::1/ fd00:::1 fd00::1%eth0 \
    10.1.0.1/255.0.255.0 "10.1.0.1/24, 10.1.0.1/24" "10.1.0.1/24, 10.2.0.1/24, 10.1.0.1/24" "fd00::1/64, fd00::1/64" \
    ::/0 localhost word 10.1.0.1/24x ff02::1/64; do
    printf '[Interface]\nPrivateKey = {A}\nAddress = %s\n' "$address" | refused "$address"
  done
  state refused
}
