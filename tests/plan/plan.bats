#!/usr/bin/env bats
# What up and down are going to do, for configurations on hosts that are made up: NAME.conf and NAME.facts (what is not
# as usual there, see driver.c) give NAME.plan and NAME.down. To record what comes out now, and read it before it is
# committed:   REFRESH=1 bats tests/plan/plan.bats
bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
  cd "$BATS_TEST_DIRNAME" || return
  driver=../../${B:-build}/tests/plan-driver
  if [[ ${B:-} == /* ]]; then driver=$B/tests/plan-driver; fi
}

# golden NAME
golden() {
  local facts=() what
  if [[ -e $1.facts ]]; then facts=("$1.facts"); fi
  for what in up:plan down:down; do
    "$driver" "${what%:*}" "$1.conf" "${facts[@]}" > "$BATS_TEST_TMPDIR/now"
    if [[ -n ${REFRESH:-} ]]; then cp "$BATS_TEST_TMPDIR/now" "$1.${what#*:}"; fi
    diff -u "$1.${what#*:}" "$BATS_TEST_TMPDIR/now"
  done
}

@test "every case is run" {
  for file in *.conf; do
    grep -q "{ golden ${file%.conf}; }" plan.bats || fail "$file has no test"
  done
}

@test "no plan shows a key" {
  run ! grep -rE '[A-Za-z0-9+/]{43}=' --include='*.plan' --include='*.down' .
}

@test "a /24 with a peer inside and one behind: only what lies outside is routed" { golden simple; }
@test "an empty section: an interface that is up" { golden empty; }
@test "no peers: no routes" { golden no-peers; }
@test "no addresses: everything is routed" { golden no-address; }
@test "SaveConfig changes nothing in a plan" { golden save-config; }
@test "a userspace implementation takes the kernel's place" { golden userspace; }
@test "an address without a length is the whole one" { golden address-no-length; }
@test "addresses keep the order of the file over keys, commas and blanks" { golden address-order; }
@test "a short address is filled up with zeros, as ip does" { golden address-short; }
@test "host bits of an address stay" { golden address-host-bits; }
@test "an allowed IP that is the connected network needs no route" { golden covered-equal; }
@test "one that is wider than the connected network needs one" { golden covered-wider; }
@test "one network's cover is no other's" { golden covered-other; }
@test "an own IPv4 /32 is in the local table only and covers nothing" { golden own-ipv4-32; }
@test "an own IPv6 /128 is in the main table and covers itself" { golden own-ipv6-128; }
@test "a /31 has a connected network of two" { golden slash-31; }
@test "a /127 has one too" { golden slash-127; }
@test "an address in 0.0.0.0/0 has no connected network" { golden address-slash-0; }
@test "the kernel's device has no fe80::/64 of its own" { golden link-local-kernel; }
@test "a tun device has, and it covers" { golden link-local-tun; }
@test "a link-local address that is given covers" { golden link-local-address; }
@test "two peers of mixed prefixes, on a tun device" { golden mixed-prefixes; }
@test "host bits of an allowed IP are masked" { golden allowed-host-bits; }
@test "one prefix at two peers is one route" { golden allowed-twice; }
@test "the second block of a peer replaces the first one's allowed IPs" { golden peer-twice; }
@test "what the first block took from another peer is nobody's then" { golden peer-twice-moved; }
@test "allowed IPs of several lines add up" { golden allowed-lines; }
@test "signed entries add and take away" { golden allowed-signs; }
@test "a peer with the own key is ignored by the device, and here" { golden own-key-peer; }
@test "it brings no default route either" { golden own-key-default; }
@test "default routes of both families" { golden default-both; }
@test "an IPv4 default route alone" { golden default-ipv4; }
@test "an IPv6 default route alone leaves src_valid_mark as it is" { golden default-ipv6; }
@test "beside a default route the others go to main" { golden default-and-more; }
@test "two peers, a default route each" { golden default-at-two-peers; }
@test "Table = auto is the same as none" { golden default-table-auto; }
@test "the first table and mark that is free" { golden default-next-table; }
@test "two halves are no default route" { golden default-halves; }
@test "10.1.2.3/0 is a default route" { golden default-host-bits; }
@test "an own address in 0.0.0.0/0 does not cover the default route" { golden default-slash-0-address; }
@test "src_valid_mark that is 1 already is left alone" { golden src-valid-mark-set; }
@test "one that cannot be read is set" { golden src-valid-mark-unread; }
@test "without nf_tables the rules and routes come all the same" { golden antispoof-none; }
@test "a firewall of one family guards that one" { golden antispoof-ipv4; }
@test "priorities that the kernel shall choose are not named" { golden priority-kernel; }
@test "each family has the priorities that its rules leave" { golden priority-each; }
@test "a FwMark that is given is the table too" { golden fwmark; }
@test "one that is the first free table is still the file's" { golden fwmark-first-table; }
@test "FwMark = off lets one be chosen" { golden fwmark-off; }
@test "a FwMark that is the number of the table main gets another table" { golden fwmark-254; }
@test "a FwMark that is the number of the table default gets another table" { golden fwmark-253; }
@test "a FwMark that is the number of the table local gets another table" { golden fwmark-255; }
@test "the largest FwMark" { golden fwmark-largest; }
@test "without a default route a FwMark makes no rules" { golden fwmark-no-default; }
@test "Table = off: addresses, no routes" { golden table-off; }
@test "a table takes everything, the covered and the default routes too" { golden table-number; }
@test "a number of base 16" { golden table-hex; }
@test "table 0 is main" { golden table-zero; }
@test "main by number: no cover, no fwmark" { golden table-main; }
@test "the largest table" { golden table-largest; }
@test "a name from rt_tables" { golden table-name; }
@test "a table and a FwMark have nothing to do with each other" { golden table-fwmark; }
@test "without IPv6 on the host its addresses and routes are left out" { golden ipv6-off; }
@test "and its default route, rules and firewall" { golden ipv6-off-default; }
@test "a tunnel of IPv6 alone comes up bare" { golden ipv6-off-only; }
@test "a table gets the IPv4 part" { golden ipv6-off-table; }
@test "MTU is taken as it is" { golden mtu; }
@test "and in any base, the last one" { golden mtu-hex; }
@test "else what the way to the endpoints leaves" { golden mtu-found; }
@test "DNS servers go to the resolver when the link is up, and go before it" { golden dns; }
@test "by the name that the resolver wants" { golden dns-prefix; }
@test "search domains without a server are nothing" { golden dns-search-only; }
@test "without a resolver the tunnel comes up" { golden dns-no-resolver; }
@test "DNS comes before the default route and goes after it" { golden dns-default; }
@test "hooks of one kind in the order of the file, %i replaced" { golden hooks; }
@test "hooks stand around rules, firewall and resolver" { golden hooks-default; }
@test "an empty hook is one" { golden hook-empty; }
@test "an address that PreUp gave is not added again" { golden preup-address; }
@test "one of another length is another" { golden preup-address-other; }
@test "an address of PreUp's covers" { golden preup-address-covers; }
@test "a route of PreUp's in main covers what lies in it" { golden preup-route-covers; }
@test "PreUp's own default route in main does not stop the tunnel's" { golden preup-route-default; }
@test "with Table = main an equal route is left alone" { golden preup-route-main; }
@test "one of another protocol is not equal" { golden preup-route-main-static; }
@test "a mark that PreUp set is used" { golden preup-fwmark; }
@test "the file's mark comes after PreUp's" { golden preup-fwmark-file; }
@test "FwMark = off takes PreUp's away, and one is chosen" { golden preup-fwmark-off; }
@test "a peer that PreUp added is routed too" { golden preup-peer; }
@test "the file's block replaces what PreUp allowed that peer" { golden preup-peer-replaced; }
@test "a default route of PreUp's peer is one" { golden preup-peer-default; }
@test "a mesh: a drop in a table of its own, the tunnel's own switch" { golden forward-mesh; }
@test "an accept goes into each iptables' table that there is, and into Docker's chain" { golden forward-mesh-iptables; }
@test "forwarding to everywhere, replies and source NAT" { golden forward-yes-masquerade; }
@test "without a firewall forwarding is a switch" { golden forward-yes-off; }
@test "with iptables at home all rules are in its tables" { golden forward-home-iptables; }
@test "what may come in: prefixes that lie in others are said once" { golden allow-from; }
@test "an accept where nothing drops is nothing" { golden allow-from-nothing-drops; }
@test "both families; the switch of the whole host stays on after down" { golden forward-ipv6; }
@test "rules against spoofing in iptables" { golden antispoof-iptables; }
