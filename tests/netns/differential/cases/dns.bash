# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# DNS: what resolvconf is told.

named() { # LINE...
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24" "$@" | config wg0
}

dns_servers() {
  internet
  named "DNS = 10.1.0.53, 10.2.0.53" "DNS = fd00::53"
  cycle
}

dns_search() {
  internet
  named "DNS = 10.1.0.53,corp.example, fd00::53" "DNS = example.net lab"
  cycle
}

dns_odd_words() {
  internet
  named "DNS = 1.2.3.4.5, 8, a:b, x.8, 10.1.0.53%wg0, -"
  cycle
}

dns_search_only() { # is nothing
  internet
  named "DNS = corp.example"
  cycle
}

dns_empty() {
  internet
  named "DNS =" "DNS = , ,"
  cycle
}

dns_interface_order() {
  internet
  mkdir -p /etc/resolvconf
  printf '# a comment\nlo.inet6\n tun* \ntap*\n' > /etc/resolvconf/interface-order
  named "DNS = 10.1.0.53"
  cycle
}

dns_interface_order_without_star() {
  internet
  mkdir -p /etc/resolvconf
  printf 'lo.inet*\n@(br)*\neth0\n' > /etc/resolvconf/interface-order
  named "DNS = 10.1.0.53"
  cycle
}

dns_interface_order_linked_resolvconf() { # a resolvconf that is a link is not Debian's, and knows no prefix
  internet
  mkdir -p /etc/resolvconf
  echo 'tun*' > /etc/resolvconf/interface-order
  mv /run/host/bin/resolvconf /run/host/bin/openresolv
  ln -s openresolv /run/host/bin/resolvconf
  named "DNS = 10.1.0.53"
  cycle
  expect << 'EOF'
< resolvconf -a tun.wg0 -m 0 -x
> resolvconf -a wg0 -m 0 -x
< resolvconf -d tun.wg0 -f
> resolvconf -d wg0 -f
EOF
}

dns_refused() {
  internet
  echo -a > /run/host/resolvconf-fails
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24" "DNS = 10.1.0.53" \
    "[Peer]" "PublicKey = {b}" "AllowedIPs = 0.0.0.0/0, ::/0" | config wg0
  up wg0
  state refused
}

dns_then_failure() { # what resolvconf was told is taken back
  internet
  named "DNS = 10.1.0.53" "PostUp = false"
  up wg0
  state undone
}

dns_not_forgotten() { # a resolvconf that fails does not keep the tunnel up
  internet
  named "DNS = 10.1.0.53" "PostDown = echo post-down >> log"
  echo -d > /run/host/resolvconf-fails
  cycle
}

# Debian's cannot do without a resolvconf.
dns_without_resolvconf() {
  internet
  rm /run/host/bin/resolvconf
  named "$(debian || echo "DNS = 10.1.0.53, corp.example")"
  cycle
  expect << 'EOF'
< up: resolv.conf 01: nameserver 192.0.2.53
> up: resolv.conf 01: # wgq wg0: "wgq down wg0" takes these lines out and makes the comments below lines again.
> up: resolv.conf 02: nameserver 10.1.0.53
> up: resolv.conf 03: search corp.example
> up: resolv.conf 04: #wgq# nameserver 192.0.2.53
EOF
}
