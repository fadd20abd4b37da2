# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What neither brings up, and what is then left: nothing.

refused_lines() {
  local line
  internet
  while IFS= read -r line; do
    printf '%s\n' "[Interface]" "Address = 10.1.0.1/24" "PrivateKey = {A}" "$line" | refused "$line"
  done << 'EOF'
Unknown = 1
; comment
PublicKey = {b}
AllowedIPs = 10.1.0.0/24
PrivateKey = AAAA
PrivateKey =
PrivateKey = {A}x
PrivateKey = QDC/+yzO4gsQwJcO071nVXs7awWs2TsxA8HvofcKZ01=
ListenPort =
ListenPort = -1
ListenPort = 0x50
ListenPort = nosuchservice
FwMark =
FwMark = -1
FwMark = 0x
FwMark = 0X10
FwMark = 12x
FwMark = 4294967296
SaveConfig = yes
SaveConfig =
[Interface
[Interface] x
[Nonsense]
Addr ess = 10.2.0.1/24
Address
"Address" = 10.2.0.1/24
EOF
  state refused
}

refused_peers() {
  local line
  internet
  while IFS= read -r line; do
    printf '%s\n' "[Interface]" "Address = 10.1.0.1/24" "PrivateKey = {A}" "[Peer]" "PublicKey = {b}" "$line" |
      refused "$line"
  done << 'EOF'
Unknown = 1
Address = 10.2.0.1/24
PublicKey = {A}=
PublicKey = lQ8iPMNf4t1LKlBmIJQD06jHVHfhrS6VPrmWx52AxTt=
PresharedKey = short
PresharedKey =
AllowedIPs =
AllowedIPs = ,10.1.0.0/24
AllowedIPs = 10.1.0.0/24,
AllowedIPs = 10.1.0.0/24,,10.2.0.0/24
AllowedIPs = 10.1.0.0/255.255.255.0
AllowedIPs = 10.1.0.0/33
AllowedIPs = 10.1.0.0/
AllowedIPs = 10.1/16
AllowedIPs = 010.1.0.0/16
AllowedIPs = fd00::/129
AllowedIPs = example.com
Endpoint =
Endpoint = 198.51.100.7
Endpoint = 198.51.100.7:
Endpoint = [2001:db8::7:7
Endpoint = [2001:db8::7]
Endpoint = [2001:db8::7]7
Endpoint = :7
PersistentKeepalive = -1
PersistentKeepalive = 65536
PersistentKeepalive = 5s
PersistentKeepalive =
[Peer]
EOF
  state refused
}

# Debian's takes them modulo 65536.
refused_ports() {
  local port=65536
  internet
  debian && port=nosuchservice
  printf '[Interface]\nPrivateKey = {A}\nListenPort = %s\n' "$port" | refused "a port too large"
  if debian; then
    printf '[Interface]\nPrivateKey = nothing\n'
  else
    printf '[Interface]\nPrivateKey = {A}\n[Peer]\nPublicKey = {b}\nEndpoint = 198.51.100.7:70000\n'
  fi | refused "an endpoint's port too large"
  state refused
}

up_existing() { # whatever is there stays
  internet
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\n[Peer]\nPublicKey = {b}\nAllowedIPs = 0.0.0.0/0\n' | config wg0
  ip link add wg0 address 02:00:00:00:00:03 type veth peer name other address 02:00:00:00:00:04
  up wg0
  state another
  down wg0
  ip link delete wg0
  ip link property add dev eth0 altname wg0
  up wg0
  down wg0
  state alternative
}

up_twice() {
  internet
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24" "PostUp = echo post-up" "PostDown = echo post-down" \
    "[Peer]" "PublicKey = {b}" "AllowedIPs = 0.0.0.0/0" | config wg0
  up wg0
  up wg0
  state twice
  down wg0
  state down
  down wg0
  state "down twice"
}

down_never_up() {
  internet
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "PreDown = echo pre-down" "PostDown = echo post-down" | config wg0
  down wg0
  state down
}

down_again_and_again() { # and up
  internet
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\n[Peer]\nPublicKey = {b}\nAllowedIPs = 0.0.0.0/0, ::/0\n' |
    config wg0
  cycle
  cycle
}
