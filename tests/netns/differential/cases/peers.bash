# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What wg(8) makes of the file: keys, peers, ports, endpoints.

peers() { # LINE...: the file after a usual beginning
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24" "$@" | config wg0
}

peers_none() {
  internet
  peers
  cycle
}

peers_many() {
  internet
  local n keys
  # 43 characters and `=`: the second to last has its two low bits clear
  mapfile -t keys < <(for n in {10..29}; do printf 'Wgq%sAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n' "$n"; done)
  peers "$(for n in {10..29}; do
    printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.2.%d.0/24, fd02:%d::/64\nEndpoint = 198.51.100.%d:%d\n' \
      "${keys[n - 10]}" "$n" "$n" "$n" "$n"
  done)"
  cycle
}

peer_twice() { # the second takes the allowed IPs, the rest is merged
  internet
  peers "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.2.0.0/16" "Endpoint = 198.51.100.7:1" "PersistentKeepalive = 5" \
    "[Peer]" "PublicKey = {c}" "AllowedIPs = 10.4.0.0/16" \
    "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.3.0.0/16" "PresharedKey = {psk}" "PersistentKeepalive = 7"
  cycle
}

prefix_twice() { # the later peer has it
  internet
  peers "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.2.0.0/16, 10.3.0.0/16" \
    "[Peer]" "PublicKey = {c}" "AllowedIPs = 10.3.0.0/16, 10.4.0.0/16, 10.2.5.0/24" \
    "[Peer]" "PublicKey = {d}" "AllowedIPs = 10.4.0.1/16"
  cycle
}

prefix_twice_in_one_peer() {
  internet
  peers "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.2.0.0/16, 10.3.0.0/16, 10.2.0.0/16"
  cycle
}

peer_is_self() {
  internet
  peers "[Peer]" "PublicKey = {a}" "AllowedIPs = 10.2.0.0/16" "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.3.0.0/16"
  cycle
}

peer_without_allowed_ips() {
  internet
  peers "[Peer]" "PublicKey = {b}" "Endpoint = 198.51.100.7:1"
  cycle
}

peer_preshared_key() {
  internet
  peers "[Peer]" "PublicKey = {b}" "PresharedKey = {psk}" \
    "[Peer]" "PublicKey = {c}" "PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
  cycle
}

peer_keepalive() {
  internet
  peers "[Peer]" "PublicKey = {b}" "PersistentKeepalive = Off" "[Peer]" "PublicKey = {c}" "PersistentKeepalive = 65535" \
    "[Peer]" "PublicKey = {d}" "PersistentKeepalive = 025"
  cycle
}

allowed_ips_host_bits() {
  internet
  peers "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.2.3.4/16, fd00::1/48, 10.3.0.1" "AllowedIPs = fd01::1"
  cycle
}

allowed_ips_forms() {
  internet
  peers "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.2.0.0/016,FD02::/64 , ::ffff:10.9.0.0/112, fe80::5/128" \
    "AllowedIPs = 10.3.0.0/16" "[Peer]" "PublicKey = {c}" "allowedips=0.0.0.0/8"
  cycle
}

# Since wg 1.0.20250521; Debian's does not know the signs.
allowed_ips_signed() {
  internet
  peers "[Peer]" "PublicKey = {b}" "AllowedIPs = $(debian || echo +)10.2.0.0/16" \
    "AllowedIPs = $(debian || echo +)10.3.0.0/16"
  cycle
}

scalars_repeated() {
  internet
  peers "ListenPort = 1111" "ListenPort = 2222" "FwMark = 1" "FwMark = 0x2" "PrivateKey = {B}" \
    "[Peer]" "PublicKey = {b}" "PublicKey = {c}" "Endpoint = 198.51.100.7:1" "Endpoint = 198.51.100.8:2" \
    "PersistentKeepalive = 1" "PersistentKeepalive = off"
  cycle
}

key_none() {
  internet
  printf '[Interface]\nAddress = 10.1.0.1/24\n[Peer]\nPublicKey = {b}\nAllowedIPs = 10.2.0.0/16\n' | config wg0
  cycle
}

key_zero() {
  internet
  peers "PrivateKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
  cycle
}

key_not_clamped() {
  internet
  peers "PrivateKey = /////////////////////////////////////////w8="
  cycle
}

port_forms() {
  internet
  peers "ListenPort = +0053"
  cycle
  peers "ListenPort = domain"
  cycle
  peers "ListenPort = 0"
  cycle
}

endpoint_forms() {
  internet
  echo "198.51.100.77 named.example" >> /etc/hosts
  local endpoint
  for endpoint in "198.51.100.7:51820" "[2001:db8::7]:7" "2001:db8::1:5" "[198.51.100.7]:7" "127.1:7" \
    "198.51.100.7:domain" "named.example:7" "[named.example]:7" "198.51.100.7:007" "0x7f.1:1"; do
    echo "-- $endpoint" >> log
    peers "[Peer]" "PublicKey = {b}" "Endpoint = $endpoint"
    up wg0
    wg show wg0 endpoints >> log
    down wg0
  done
}

# Debian's gives up; a name that does not resolve leaves its peer without an endpoint, and the others work.
endpoint_unresolved() {
  internet
  echo "hosts: files" > /etc/nsswitch.conf
  peers "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.2.0.0/16" "$(debian || echo "Endpoint = nowhere.invalid:7")" \
    "[Peer]" "PublicKey = {c}" "AllowedIPs = 10.3.0.0/16" "Endpoint = 198.51.100.7:7"
  cycle
  warned nowhere.invalid
}

endpoint_unresolved_refused() { # told to insist, wgq refuses as well
  internet
  echo "hosts: files" > /etc/nsswitch.conf
  export WG_ENDPOINT_RESOLUTION_RETRIES=0
  peers "[Peer]" "PublicKey = {b}" "Endpoint = nowhere.invalid:7"
  up wg0
  state refused
}
