# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Hosts that are not as most are.

# Where IPv6 is off wgq leaves out what needs it, as if the file had only its IPv4 half; Debian's fails.
ipv6_disabled() {
  internet
  echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
  echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
  local six="fd00::1/64" allowed=", fd01::/64, ::/0"
  debian && six="" allowed=""
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24, $six" "[Peer]" "PublicKey = {b}" \
    "AllowedIPs = 0.0.0.0/0, 10.2.0.0/16$allowed" | config wg0
  cycle
  warned IPv6
  expect << 'EOF'
< up: wg wg0 peer: PublicKey = McgvAeUME5HG5c1Fh1swMOXjX9VG8AxAam4SdVF75W8= AllowedIPs = 0.0.0.0/0, 10.2.0.0/16
> up: wg wg0 peer: PublicKey = McgvAeUME5HG5c1Fh1swMOXjX9VG8AxAam4SdVF75W8= AllowedIPs = 0.0.0.0/0, 10.2.0.0/16, fd01::/64, ::/0
EOF
}

# A sysctl that cannot be written, as in many containers, is a warning; Debian's fails.
sysctl_read_only() {
  internet
  debian || mount --bind -o ro /proc/sys /proc/sys
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\n[Peer]\nPublicKey = {b}\nAllowedIPs = 0.0.0.0/0\n' |
    config wg0
  cycle
  warned src_valid_mark
  expect << 'EOF'
< up: sysctl net/ipv4/conf/all/src_valid_mark:1
> up: sysctl net/ipv4/conf/all/src_valid_mark:0
< down: sysctl net/ipv4/conf/all/src_valid_mark:1
> down: sysctl net/ipv4/conf/all/src_valid_mark:0
EOF
}

src_valid_mark_set_already() {
  internet
  echo 1 > /proc/sys/net/ipv4/conf/all/src_valid_mark
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\n[Peer]\nPublicKey = {b}\nAllowedIPs = 0.0.0.0/0\n' |
    config wg0
  cycle
}

firewall_of_others() { # is not touched
  internet
  nft -f - << 'EOF'
table inet filter {
  chain input { type filter hook input priority 0; policy drop; iifname "eth0" accept
  }
}
table ip wg-quick-wg00 {
  chain preraw { type filter hook prerouting priority -300
  }
}
EOF
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\n[Peer]\nPublicKey = {b}\nAllowedIPs = 0.0.0.0/0, ::/0\n' |
    config wg0
  cycle
}

userspace_told() {
  internet
  printf '#!/bin/sh\necho "started for $*" >> log\nexec wireguard-go "$@"\n' > /run/host/bin/my-wireguard
  chmod +x /run/host/bin/my-wireguard
  export WG_QUICK_USERSPACE_IMPLEMENTATION=my-wireguard
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\n' | config wg0
  cycle
}

userspace_fails() {
  internet
  export WG_QUICK_USERSPACE_IMPLEMENTATION=false
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\nPostUp = echo up\n' | config wg0
  up wg0
  export WG_QUICK_USERSPACE_IMPLEMENTATION=no-such-program
  up wg0
  state refused
}

file_edited_meanwhile() { # Table and hooks as they were: see the quirks; here only what makes no difference to wg-quick
  internet
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\nMTU = 1300\n[Peer]\nPublicKey = {b}\nAllowedIPs = 0.0.0.0/0\n' |
    config wg0
  up wg0
  printf '[Interface]\nPrivateKey = {B}\nAddress = 10.7.0.1/24\nMTU = 1400\n[Peer]\nPublicKey = {c}\nAllowedIPs = 10.9.0.0/16\n' |
    config wg0
  down wg0
  state down
}
