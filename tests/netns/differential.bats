#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# wgq against Debian's wg-quick, in equal fresh hosts: what each brings up, takes down, refuses, runs and leaves behind is
# the same. Cases are in differential/cases/, one function each; what differs on purpose stands there. What cannot be
# compared is listed above here_state in lib.bash. Where the kernel has WireGuard it is used by both, else wireguard-go.
#
#   WGQ=wg-quick bats tests/netns/differential.bats     wg-quick with itself: only the cases that differ on purpose fail
#   DIFF_CASES="simple default_dual" bats …             only these, for a slow machine. A good choice is: simple
#       address_several route_order default_ipv4 default_dual default_marked default_two_tunnels table_off table_name
#       route_taken mtu_several_endpoints hook_order hook_sees preup_peer postup_fails peer_twice prefix_twice up_twice

setup() {
  load differential/compare.bash
}

# --- the comparison itself ---

@test "comparison: every part of a host's state is seen" {
  host_new host
  host_uplink host eth0 192.0.2.2/24 192.0.2.1
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24, fd00::1/64" "[Peer]" "PublicKey = {b}" \
    "AllowedIPs = 0.0.0.0/0, ::/0" | host_conf host wg0
  host_run host wg-quick up wg0
  host_state host > "$BATS_TEST_TMPDIR/before"
  host_run host bash -e << 'EOF'
ip link set wg0 mtu 1400
ip link add other type veth
ip address add 10.2.0.1/32 dev wg0
ip address del fd00::1/64 dev wg0
ip rule add fwmark 7 table 51820
ip -6 rule add pref 32765 not fwmark 7 table 51820
ip route replace default dev wg0 table 51820 metric 1
ip -6 route del default dev wg0 table 51820
nft add rule ip wg-quick-wg0 preraw counter
nft flush chain ip6 wg-quick-wg0 preraw
nft add table inet empty
echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark
echo 1 > /proc/sys/net/ipv6/conf/wg0/forwarding
wg set wg0 fwmark off listen-port 77 private-key <(echo kKfBcFufDMgUz6mHoz97+zBKfhaDNq4YyRoFR735Nnw=) \
  peer McgvAeUME5HG5c1Fh1swMOXjX9VG8AxAam4SdVF75W8= persistent-keepalive 7
echo "search example.com" >> /etc/resolv.conf
EOF
  host_state host > "$BATS_TEST_TMPDIR/after"
  diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" > "$BATS_TEST_TMPDIR/seen" || true
  local change
  while read -r change; do
    grep -q "^$change" "$BATS_TEST_TMPDIR/seen" || { echo "not seen: $change" && return 1; }
  done << 'EOF'
> link wg0 mtu 1400
> link veth0
> addr wg0: inet 10.2.0.1/32
< addr wg0: inet6 fd00::1/64
> rule4: 32763: from all fwmark 0x7 lookup 51820
> rule6: 32765: not from all fwmark 0x7 lookup 51820
> route4: unicast default dev wg0 table 51820 .* metric 1
< route6: unicast default dev wg0 table 51820
> nft ip wg-quick-wg0 chain preraw 03: counter
< nft ip6 wg-quick-wg0 chain preraw 02: iifname
> nft inet empty
> sysctl net/ipv4/conf/all/src_valid_mark:0
> sysctl net/ipv6/conf/wg0/forwarding:1
< wg wg0: FwMark
> wg wg0: ListenPort = 77
> wg wg0: PrivateKey = kKfB
> wg wg0 peer.* PersistentKeepalive = 7
> resolv.conf 02: search
EOF
}

@test "comparison: equal hosts are equal, and one is after down what it was before up" {
  host_new one two
  local host
  for host in one two; do
    host_uplink "$host" eth0 192.0.2.2/24,2001:db8::2/64 192.0.2.1
    printf '%s\n' "[Interface]" "PrivateKey = {A}" "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.0.0.0/8, ::/0" |
      host_conf "$host" wg0
    host_state "$host" > "$BATS_TEST_TMPDIR/$host"
    # which a kernel WireGuard device clears for good
    sed -i '/conf\/all\/send_redirects:/d' "$BATS_TEST_TMPDIR/$host"
  done
  diff "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two"
  host_run one wg-quick up wg0
  host_run one wg-quick down wg0
  host_state one | grep -v conf/all/send_redirects: | diff "$BATS_TEST_TMPDIR/two" -
}

# A program that does what wg-quick does, and then something else as well.
# shellcheck disable=SC2016  # that program's variables
with_wg_quick_and() { # COMMAND
  printf '#!/bin/bash\nwg-quick "$@"; status=$?\n%s\nexit "$status"\n' "$1" > "$BATS_TEST_TMPDIR/program"
  chmod +x "$BATS_TEST_TMPDIR/program"
  unset DIFF_CASES
  export WGQ=$BATS_TEST_TMPDIR/program
}

@test "comparison: another exit status is seen" {
  with_wg_quick_and 'status=1'
  run equal simple
  [[ $status -ne 0 && $output == *"> up wg0: failed"* ]]
}

@test "comparison: another word to resolvconf is seen" {
  # shellcheck disable=SC2016
  with_wg_quick_and '[[ $1 == up ]] || resolvconf -d wg0'
  run equal dns_search
  [[ $status -ne 0 && $output == *"> resolvconf -d wg0"* && $output != *"up:"* ]]
}

@test "comparison: another effect of a hook is seen" {
  # shellcheck disable=SC2016
  with_wg_quick_and '[[ $1 == down ]] || echo post-up 1 wg0 >> log'
  run equal hook_order
  [[ $status -ne 0 && $output == *"> post-up 1 wg0"* && $output != *"up:"* ]]
}

@test "comparison: what is left behind is seen, crosswise too" {
  # shellcheck disable=SC2016
  with_wg_quick_and '[[ $1 == up ]] || ip route add blackhole 10.66.0.0/16'
  run equal simple
  [[ $status -ne 0 && $output == *"> down: route4: blackhole 10.66.0.0/16"* && $output != *" up:"* ]]
  run crosswise simple
  [[ $status -ne 0 && $output == *"down: > route4: blackhole 10.66.0.0/16"* ]]
}

# --- Address ---

@test "address: a /24, a peer inside it and a network behind the peer" { equal simple; }
@test "address: several lines, commas, blanks, no mask, both families" { equal address_several; }
@test "address: several of one network" { equal address_one_network; }
@test "address: a netmask for a length" { equal address_netmask; }
@test "address: short forms" { equal address_short; }
@test "address: octal and hexadecimal octets" { equal address_octal_hex; }
@test "address: an own host address among the allowed IPs" { equal address_own_host_route; }
@test "address: IPv6 alone, link-local too" { equal address_ipv6_only; }
@test "address: none" { equal address_none; }
@test "address: the network's own address" { equal address_of_network; }
@test "address: what is no address, or twice the same, is refused" { equal address_refused; }

# --- AllowedIPs, Table and FwMark ---

@test "routes: what the own networks cover gets no route" { equal route_covered; }
@test "routes: many prefixes of all lengths, their order and their cover" { equal route_order; }
@test "routes: a route that PreUp made covers" { equal route_own_network_of_hook; }
@test "routes: the IPv4 default route" { equal default_ipv4; }
@test "routes: the IPv6 default route" { equal default_ipv6; }
@test "routes: both default routes" { equal default_dual; }
@test "routes: default routes with many addresses" { equal default_many_addresses; }
@test "routes: default routes without an address" { equal default_without_address; }
@test "routes: default routes and others" { equal default_and_others; }
@test "routes: a default route on two peers" { equal default_two_peers; }
@test "routes: halves are no default route" { equal default_halves; }
@test "routes: default routes with FwMark" { equal default_marked; }
@test "routes: default routes with Table = auto" { equal default_table_auto; }
@test "routes: tables that are in use are passed over" { equal default_tables_taken; }
@test "routes: a table that only a rule uses is passed over" { equal default_table_taken_by_rule; }
@test "routes: priorities among rules that are there" { equal default_among_rules; }
@test "routes: two tunnels with default routes, one down, the other stays" { equal default_two_tunnels; }
@test "routes: FwMark without a default route" { equal mark_without_default; }
@test "routes: FwMark = off" { equal mark_off; }
@test "routes: Table = off" { equal table_off; }
@test "routes: Table = 123, default routes too" { equal table_number; }
@test "routes: Table = 0x123" { equal table_hex; }
@test "routes: Table = 010" { equal table_octal; }
@test "routes: the largest Table" { equal table_large; }
@test "routes: a Table by its name" { equal table_name; }
@test "routes: Table = 0" { equal table_zero; }
@test "routes: Table = main" { equal table_main; }
@test "routes: Table = default" { equal table_default; }
@test "routes: what is no table is refused" { equal table_refused; }
@test "routes: a route that is taken is refused, and the rest undone" { equal route_taken; }
@test "routes: a default route that is taken is refused, and the rest undone" { equal default_taken; }

# --- MTU ---

@test "mtu: told" { equal mtu_told; }
@test "mtu: told in hexadecimal" { equal mtu_hex; }
@test "mtu: what is no MTU, or out of range, is refused" { equal mtu_refused; }
@test "mtu: of the interface towards the endpoint" { equal mtu_endpoint_interface; }
@test "mtu: the smallest of several endpoints" { equal mtu_several_endpoints; }
@test "mtu: of the route towards the endpoint" { equal mtu_of_route; }
@test "mtu: a locked one of a route does not count" { equal mtu_of_route_locked; }
@test "mtu: towards an IPv6 endpoint" { equal mtu_ipv6_endpoint; }
@test "mtu: an endpoint without a route" { equal mtu_endpoint_without_route; }
@test "mtu: an endpoint that is unreachable: of the default route" { equal mtu_endpoint_unreachable; }
@test "mtu: an endpoint on this host" { equal mtu_endpoint_here; }
@test "mtu: of the default route with the lowest metric" { equal mtu_of_default_route; }
@test "mtu: of the default route itself" { equal mtu_of_default_route_metric; }
@test "mtu: without a default route" { equal mtu_without_default_route; }
@test "mtu: of a multipath default route" { equal mtu_multipath; }
@test "mtu: below 1280 for IPv4" { equal mtu_small_ipv4; }
@test "mtu: not below 1280 with IPv6" { equal mtu_small_ipv6; }
@test "mtu: too small for a tunnel is refused" { equal mtu_tiny; }

# --- DNS ---

@test "dns: servers" { equal dns_servers; }
@test "dns: servers and search domains" { equal dns_search; }
@test "dns: odd words" { equal dns_odd_words; }
@test "dns: search domains alone are nothing" { equal dns_search_only; }
@test "dns: nothing" { equal dns_empty; }
@test "dns: resolvconf's prefix" { equal dns_interface_order; }
@test "dns: no prefix without a pattern" { equal dns_interface_order_without_star; }
@test "dns: no prefix where resolvconf is a link" { equal dns_interface_order_linked_resolvconf; }
@test "dns: a resolvconf that fails: undone" { equal dns_refused; }
@test "dns: taken back when a later step fails" { equal dns_then_failure; }
@test "dns: a resolvconf that fails in down" { equal dns_not_forgotten; }
@test "dns: without a resolvconf" { equal dns_without_resolvconf; }

# --- Hooks ---

@test "hooks: order and %i" { equal hook_order; }
@test "hooks: environment, directory, standard input, options" { equal hook_surroundings; }
@test "hooks: bash's own syntax" { equal hook_bash; }
@test "hooks: the manual's kill switch" { equal hook_firewall_recipe; }
@test "hooks: a background job is not waited for" { equal hook_background; }
@test "hooks: empty ones" { equal hook_empty; }
@test "hooks: a comment belongs to the shell" { equal hook_comment; }
@test "hooks: a quoted hash" { equal hook_quoted_hash; }
@test "hooks: equal signs" { equal hook_of_equal_signs; }
@test "hooks: PreUp sees the interface, PostDown does not" { equal hook_sees; }
@test "hooks: PreUp comes before keys and addresses" { equal hook_order_of_creation; }
@test "hooks: PreUp sets the mark" { equal preup_mark; }
@test "hooks: PreUp adds a peer" { equal preup_peer; }
@test "hooks: PreUp sets key, port and address" { equal preup_key_port_address; }
@test "hooks: the file wins over PreUp" { equal preup_file_wins; }
@test "hooks: PreUp fails: undone" { equal preup_fails; }
@test "hooks: PostUp fails: undone, and no other hook runs" { equal postup_fails; }
@test "hooks: a pipe's first part fails: undone" { equal hook_pipe_fails; }
@test "hooks: a syntax error: undone" { equal hook_syntax_error; }
@test "hooks: PreDown fails: the tunnel stays" { equal predown_fails; }
@test "hooks: PostDown fails: the tunnel is down" { equal postdown_fails; }

# --- Peers ---

@test "peers: none" { equal peers_none; }
@test "peers: twenty" { equal peers_many; }
@test "peers: one twice" { equal peer_twice; }
@test "peers: one prefix on two" { equal prefix_twice; }
@test "peers: one prefix twice on one" { equal prefix_twice_in_one_peer; }
@test "peers: the own key" { equal peer_is_self; }
@test "peers: without allowed IPs" { equal peer_without_allowed_ips; }
@test "peers: preshared keys, one of zeros" { equal peer_preshared_key; }
@test "peers: keepalive" { equal peer_keepalive; }
@test "peers: host bits" { equal allowed_ips_host_bits; }
@test "peers: forms of allowed IPs" { equal allowed_ips_forms; }
@test "peers: signs of allowed IPs" { equal allowed_ips_signed; }
@test "peers: the last of repeated values" { equal scalars_repeated; }
@test "peers: no private key" { equal key_none; }
@test "peers: a private key of zeros" { equal key_zero; }
@test "peers: a private key that is not clamped" { equal key_not_clamped; }
@test "peers: forms of ports" { equal port_forms; }
@test "peers: forms of endpoints" { equal endpoint_forms; }
@test "peers: an endpoint's name that does not resolve" { equal endpoint_unresolved; }
@test "peers: an endpoint's name that does not resolve, insisted on" { equal endpoint_unresolved_refused; }

# --- Files ---

@test "files: white space" { equal file_white_space; }
@test "files: CR LF" { equal file_crlf; }
@test "files: no newline at the end" { equal file_without_last_newline; }
@test "files: comments" { equal file_comments; }
@test "files: sections in any order and number" { equal file_two_interface_sections; }
@test "files: the last value wins" { equal file_last_value_wins; }
@test "files: NUL bytes" { equal file_nul_bytes; }
@test "files: empty" { equal file_empty; }
@test "files: only peers" { equal file_only_peers; }
@test "files: a byte order mark" { equal file_bom; }
@test "files: a link's name counts" { equal file_link; }
@test "files: by path" { equal file_by_path; }
@test "files: names of interfaces" { equal file_names; }
@test "files: strip" { equal file_strip; }
@test "files: what does not exist or has no such name is refused" { equal file_refused; }

# --- Refusals and repetition ---

@test "refusals: bad lines in [Interface]" { equal refused_lines; }
@test "refusals: bad lines in [Peer]" { equal refused_peers; }
@test "refusals: ports out of range" { equal refused_ports; }
@test "refusals: an interface that is there stays as it is" { equal up_existing; }
@test "refusals: up twice, down twice" { equal up_twice; }
@test "refusals: down of what never was up" { equal down_never_up; }
@test "refusals: up and down again and again" { equal down_again_and_again; }

# --- Hosts ---

@test "host: IPv6 disabled" { equal ipv6_disabled; }
@test "host: sysctls that cannot be written" { equal sysctl_read_only; }
@test "host: src_valid_mark set already" { equal src_valid_mark_set_already; }
@test "host: tables of others" { equal firewall_of_others; }
@test "host: a userspace implementation told" { equal userspace_told; }
@test "host: a userspace implementation that fails or is missing" { equal userspace_fails; }
@test "host: the file edited while up" { equal file_edited_meanwhile; }

# --- crosswise: one up, the other down ---

@test "crosswise: a /24" { crosswise simple; }
@test "crosswise: several addresses" { crosswise address_several; }
@test "crosswise: routes that are covered" { crosswise route_covered; }
@test "crosswise: many routes" { crosswise route_order; }
@test "crosswise: the IPv4 default route" { crosswise default_ipv4; }
@test "crosswise: the IPv6 default route" { crosswise default_ipv6; }
@test "crosswise: both default routes" { crosswise default_dual; }
@test "crosswise: default routes with many addresses" { crosswise default_many_addresses; }
@test "crosswise: default routes with FwMark" { crosswise default_marked; }
@test "crosswise: default routes among rules that are there" { crosswise default_among_rules; }
@test "crosswise: default routes where tables are in use" { crosswise default_tables_taken; }
@test "crosswise: default routes and others" { crosswise default_and_others; }
@test "crosswise: FwMark without a default route" { crosswise mark_without_default; }
@test "crosswise: Table = off" { crosswise table_off; }
@test "crosswise: Table = 123" { crosswise table_number; }
@test "crosswise: a Table by its name" { crosswise table_name; }
@test "crosswise: DNS" { crosswise dns_search; }
@test "crosswise: DNS with a prefix" { crosswise dns_interface_order; }
@test "crosswise: hooks" { crosswise hook_order; }
@test "crosswise: a linked file" { crosswise file_link; }
@test "crosswise: tables of others" { crosswise firewall_of_others; }
@test "crosswise: twenty peers" { crosswise peers_many; }
