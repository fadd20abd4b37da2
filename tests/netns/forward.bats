#!/usr/bin/env bats
# Forward, Masquerade and AllowFrom by real packets: a relay C, its peers A and B on one network, and L, a host on a
# network of the relay's own behind it. The relay's firewall is somebody else's: of either kind of iptables.
# shellcheck disable=SC2030,SC2031  # $output is of the test that asks for it
bats_load_library bats-support
bats_load_library bats-assert

setup() {
  load lib
  : "${WGQ:=$BATS_TEST_DIRNAME/../../build/wgq}"
}

teardown() {
  host_end_all
}

# --- the mesh of the demo, without its hooks ---

# mesh_demo POLICY IPTABLES LINE...: the demo with LINEs in place of the relay's hooks
mesh_demo() {
  local policy=$1 iptables=$2 line lines=
  shift 2
  for line in "$@"; do lines+="$line\\n"; done
  cp -r "$BATS_TEST_DIRNAME"/{demo,lib.bash,mesh} "$BATS_TEST_TMPDIR"
  sed -i "/^PostDown/d; s/^PostUp.*/$lines/" "$BATS_TEST_TMPDIR/mesh/C.conf"
  sed -i "s/host_run C iptables -P FORWARD DROP/host_run C $iptables -P FORWARD $policy/" "$BATS_TEST_TMPDIR/demo"
  run "$BATS_TEST_TMPDIR/demo" "$WGQ"
  echo "$output"
  assert_success
  [ "${lines[-1]}" = "20 of 20 pairs" ]
  refute_output --partial blocked
}

@test "the five-node mesh by Forward = mesh: nftables, and iptables-nft that drops" {
  mesh_demo DROP iptables-nft 'Forward = mesh'
}

@test "the five-node mesh by Forward = mesh: nftables, and iptables-nft that accepts" {
  mesh_demo ACCEPT iptables-nft 'Forward = mesh' 'Firewall = nftables'
}

@test "the five-node mesh by Forward = mesh: nftables, and iptables-legacy that drops" {
  mesh_demo DROP iptables-legacy 'Forward = mesh'
}

@test "the five-node mesh by Forward = mesh: iptables-nft that drops" {
  mesh_demo DROP iptables-nft 'Forward = mesh' 'Firewall = iptables'
}

@test "the five-node mesh by Forward = mesh: iptables-nft that accepts" {
  mesh_demo ACCEPT iptables-nft 'Forward = mesh' 'Firewall = iptables'
}

@test "the five-node mesh by Forward = mesh: iptables-legacy that drops" {
  mesh_demo DROP iptables-legacy 'Forward = mesh' 'Firewall = iptables'
}

@test "the five-node mesh by Forward = mesh: iptables-legacy that accepts" {
  mesh_demo ACCEPT iptables-legacy 'Forward = mesh' 'Firewall = iptables'
}

# --- a relay and what is behind it ---

network() {
  local h n=1
  host_new net A B C L
  host_run net ip -batch - <<< $'link add net type bridge\nlink set net up'
  for h in A B C; do
    host_link "$h" eth0 "203.0.113.$n/24" net "$h" ''
    host_run net ip link set "$h" master net
    n=$((n + 1))
  done
  host_link C eth1 10.9.0.1/24 L eth0 10.9.0.2/24
  host_run C ip -6 address add fd09::1/64 dev eth1 nodad
  host_run L ip -6 address add fd09::2/64 dev eth0 nodad
  host_run L ip route add 10.0.0.0/16 via 10.9.0.1
  host_run L ip -6 route add fd00::/64 via fd09::1
  host_run C ip route add default via 203.0.113.254
  for h in A B C L; do
    host_run "$h" sh -c 'cd /proc/sys/net/ipv4; echo 0 > ip_forward; echo 0 > conf/all/send_redirects
      echo 0 > /proc/sys/net/ipv6/conf/all/forwarding'
  done
  peer A 1 A
  peer B 2 B
}

peer() { # HOST NUMBER KEY
  host_conf "$1" wg0 << F
[Interface]
PrivateKey = {$3}
Address = 10.0.0.$2/16, fd00::$2/64
[Peer]
PublicKey = {c}
AllowedIPs = 10.0.0.0/16, fd00::/64, 10.9.0.0/24, fd09::/64
Endpoint = 203.0.113.3:51820
PersistentKeepalive = 25
F
  host_run "$1" "$WGQ" -q up wg0
}

# With a keepalive it opens a new session at once: the peers still have the old one.
relay_conf() { # LINE...: of the relay's [Interface]
  local line
  {
    printf '%s\n' '[Interface]' 'PrivateKey = {C}' 'Address = 10.0.0.100/16, fd00::100/64' 'ListenPort = 51820' "$@"
    printf '%s\n' '[Peer]' 'PublicKey = {a}' 'AllowedIPs = 10.0.0.1/32, fd00::1/128' 'Endpoint = 203.0.113.1:PORT_A' 'PersistentKeepalive = 25'
    printf '%s\n' '[Peer]' 'PublicKey = {b}' 'AllowedIPs = 10.0.0.2/32, fd00::2/128' 'Endpoint = 203.0.113.2:PORT_B' 'PersistentKeepalive = 25'
  } | sed "s/PORT_A/$(port A)/; s/PORT_B/$(port B)/" | host_conf C wg0
}

port() { host_run "$1" wg show wg0 listen-port; }

relay_up() {
  run host_run C "$WGQ" up wg0
  echo "$output"
  assert_success
}

reaches() { # HOST ADDRESS...
  local address
  for address in "${@:2}"; do
    host_run "$1" ping -n -q -c 1 -w 6 -i 0.2 "$address" > /dev/null || fail "$1 does not reach $address"
  done
}

is_cut_off() { # HOST ADDRESS...
  local address
  for address in "${@:2}"; do
    if host_run "$1" ping -n -q -c 1 -W 1 "$address" > /dev/null; then fail "$1 reaches $address"; fi
  done
}

as_before() { # what host_state said; down leaves that
  run host_run C "$WGQ" down wg0
  echo "$output"
  assert_success
  diff <(uncounted <<< "$before") <(host_state C | uncounted)
}

uncounted() { sed 's/ packets [0-9]* bytes [0-9]*//'; }

# the relay's own rules: POLICY of FORWARD for both families, by either iptables
policy() { # POLICY [-legacy]
  host_run C "iptables${2-}" -P FORWARD "$1"
  host_run C "ip6tables${2-}" -P FORWARD "$1"
}

@test "mesh: peers reach each other, never the relay's own network, whatever the policy" {
  network
  local word before
  for word in DROP ACCEPT; do
    policy "$word"
    before=$(host_state C)
    relay_conf 'Forward = mesh'
    relay_up
    refute_output --partial warning
    reaches A 10.0.0.2 fd00::2
    is_cut_off A 10.9.0.2 fd09::2
    as_before
  done
}

@test "mesh, with the rules in iptables-legacy" {
  network
  local word before
  for word in DROP ACCEPT; do
    policy "$word" -legacy
    before=$(host_state C)
    relay_conf 'Forward = mesh' 'Firewall = iptables'
    relay_up
    reaches A 10.0.0.2 fd00::2
    is_cut_off A 10.9.0.2 fd09::2
    as_before
  done
}

@test "mesh, with the rules in iptables-nft" {
  network
  local word before
  for word in DROP ACCEPT; do
    policy "$word"
    before=$(host_state C)
    relay_conf 'Forward = mesh' 'Firewall = iptables'
    relay_up
    reaches A 10.0.0.2 fd00::2
    is_cut_off A 10.9.0.2 fd09::2
    run host_run C iptables -S
    assert_success
    assert_output --partial 'wgq wg0'
    [[ $(host_run C iptables-save) == *'wgq wg0'* ]]
    as_before
  done
}

@test "yes: the relay's network too, and replies; nobody there opens a connection through a policy of drop" {
  network
  policy DROP
  local before
  before=$(host_state C)
  relay_conf 'Forward = yes'
  relay_up
  refute_output --partial warning
  reaches A 10.0.0.2 fd00::2 10.9.0.2 fd09::2
  is_cut_off L 10.0.0.2 fd00::2
  as_before
  policy ACCEPT
  before=$(host_state C)
  relay_up
  reaches A 10.9.0.2 fd09::2
  reaches L 10.0.0.2 fd00::2
  as_before
}

@test "yes needs no firewall: Firewall = off sets the switches alone" {
  network
  local before
  before=$(host_state C)
  relay_conf 'Forward = yes' 'Firewall = off'
  relay_up
  refute_output --partial nft
  reaches A 10.0.0.2 10.9.0.2 fd09::2
  as_before
}

@test "what is not declared is not forwarded" {
  network
  relay_conf
  relay_up
  reaches A 10.0.0.100
  is_cut_off A 10.0.0.2 10.9.0.2 fd00::2
}

@test "Masquerade: a network that knows no way back answers" {
  network
  local firewall before
  host_run L ip route del 10.0.0.0/16
  host_run L ip -6 route del fd00::/64
  for firewall in auto iptables; do
    before=$(host_state C)
    relay_conf 'Forward = yes' 'Masquerade = eth1' "Firewall = $firewall"
    relay_up
    reaches A 10.9.0.2 fd09::2 10.0.0.2
    host_run C "$WGQ" -q down wg0
    [[ $firewall == iptables ]] || diff <(echo "$before") <(host_state C)
  done
}

@test "AllowFrom lets in what it says, through the tunnel alone" {
  network
  host_run C sh -c 'iptables -P INPUT DROP; iptables -A INPUT -p udp --dport 51820 -j ACCEPT'
  local before
  before=$(host_state C)
  relay_conf
  relay_up
  is_cut_off A 10.0.0.100
  as_before
  relay_conf 'AllowFrom = 10.0.0.1/32'
  relay_up
  reaches A 10.0.0.100
  is_cut_off B 10.0.0.100
  is_cut_off L 10.0.0.100 # its route leads there, and 10.9.0.2 is not allowed
  as_before
  relay_conf 'AllowFrom = peers'
  relay_up
  reaches A 10.0.0.100
  reaches B 10.0.0.100
  as_before
}

@test "two tunnels share a switch: the last to go turns it off" {
  network
  local before
  before=$(host_state C)
  relay_conf 'Forward = yes'
  host_conf C wg1 <<< $'[Interface]\nPrivateKey = {D}\nAddress = 10.1.0.1/24\nForward = yes'
  relay_up
  run host_run C "$WGQ" up wg1
  assert_success
  [[ $(host_run C cat /proc/sys/net/ipv4/conf/eth1/forwarding) == 1 ]]
  host_run C "$WGQ" -q down wg0
  [[ $(host_run C cat /proc/sys/net/ipv4/conf/eth1/forwarding) == 1 ]]
  host_run C "$WGQ" -q down wg1
  diff <(echo "$before") <(host_state C)
}

@test "an up that fails leaves the switches that another tunnel holds" {
  network
  relay_conf 'Forward = yes'
  relay_up
  host_conf C wg1 <<< $'[Interface]\nPrivateKey = {D}\nAddress = 10.1.0.1/24\nForward = yes\nPostUp = false'
  run host_run C "$WGQ" up wg1
  assert_failure
  reaches A 10.9.0.2
}

@test "a hand-written ruleset that drops is named, with the line to add, and the tunnel comes up" {
  network
  host_run C nft -f - <<< 'table inet mine {
    chain fw { type filter hook forward priority 0; policy drop; }
    chain in { type filter hook input priority 0; policy drop; ct state established accept; }
  }'
  relay_conf 'Forward = mesh'
  relay_up
  assert_output --partial 'forward-blocked'
  assert_output --partial 'nft insert rule inet mine fw iifname "wg0" oifname "wg0" accept'
  host_run C nft 'insert rule inet mine fw iifname "wg0" oifname "wg0" accept'
  host_run C "$WGQ" -q down wg0
  relay_up
  refute_output --partial 'forward-blocked'
  reaches A 10.0.0.2
}

@test "a port that the firewall closes is named where a peer has to come by it" {
  network
  host_run C sh -c 'iptables -P INPUT DROP; iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT'
  relay_conf
  relay_up
  refute_output --partial port-blocked
  host_run C "$WGQ" -q down wg0
  host_run C sed -i '/^Endpoint = 203.0.113.1:/d' /etc/wireguard/wg0.conf
  relay_up
  assert_output --partial port-blocked
  assert_output --partial 'iptables -I INPUT'
  assert_output --partial 51820
}

@test "switches that cannot be set: an error before anything is changed" {
  network
  local before
  before=$(host_state C)
  relay_conf 'Forward = mesh'
  # shellcheck disable=SC2016  # expanded by that bash
  run host_run C unshare -m bash -c 'mount -o bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$0" up wg0' "$WGQ"
  assert_failure 1
  assert_output --partial 'net.ipv4.conf'
  assert_output --partial -- '--sysctl'
  refute_output --partial 'ip link add'
  diff <(echo "$before") <(host_state C)
}

@test "hooks that accept where forwarding is off: forwarding-off; on, nothing is said" {
  network
  relay_conf 'PostUp = iptables -A FORWARD -i %i -j ACCEPT' 'PostDown = iptables -D FORWARD -i %i -j ACCEPT'
  relay_up
  assert_output --partial forwarding-off
  assert_output --partial 'Forward = yes'
  host_run C "$WGQ" -q down wg0
  host_run C sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
  relay_up
  refute_output --partial forwarding-off
}

@test "rp_filter that would drop what has no way back is named" {
  network
  host_run C sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter'
  relay_conf 'Table = off'
  host_run C sed -i 's|^AllowedIPs = 10.0.0.1/32|AllowedIPs = 10.77.0.0/24, 10.0.0.1/32|' /etc/wireguard/wg0.conf
  relay_up
  assert_output --partial rp-filter
  assert_output --partial 10.77.0
  host_run C "$WGQ" -q down wg0
  host_run C sh -c 'echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter'
  relay_up
  refute_output --partial rp-filter
}

# --- beside wg-quick, whose rules are iptables' where there is no nft ---

without_nft() { # VARIANT COMMAND...: with iptables-nft or iptables-legacy as iptables
  # shellcheck disable=SC2016  # expanded by that bash
  host_run h bash -c '
    mkdir -p /run/sbin && ln -sf /usr/sbin/* /run/sbin && rm /run/sbin/nft
    for program in {ip,ip6}tables{,-save,-restore}; do
      ln -sf "/usr/sbin/${program/tables/tables-$0}" "/run/sbin/$program"
    done
    PATH=/run/sbin:/usr/bin:/bin "$@"' "$@"
}

# iptables leaves its tables where it had to make them.
without_empty_tables() {
  sed -E '/^nft ip6? (raw|mangle)( chain [A-Z]+ 01: type .* policy accept;)?$/d'
}

@test "rules against spoofing that wg-quick made by iptables go with wgq down, and the reverse" {
  host_new h
  host_uplink h eth0 192.0.2.2/24,2001:db8::2/64 192.0.2.1
  host_run h sh -c 'echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects; echo 1 > /proc/sys/net/ipv4/conf/all/src_valid_mark'
  local variant before key
  for variant in nft legacy; do
    for key in '' 'Firewall = iptables'; do
      host_run h iptables-$variant -A INPUT -p tcp --dport 22 -j ACCEPT
      before=$(host_state h | without_empty_tables)
      host_conf h wg0 << F
[Interface]
PrivateKey = {A}
Address = 10.78.0.1/24, fd00:78::1/64
$key
[Peer]
PublicKey = {b}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 192.0.2.7:51820
F
      if [[ $key ]]; then
        run host_run h "$WGQ" up wg0
        echo "$output"
        assert_success
        run host_run h "iptables-$variant-save"
        assert_output --partial 'wg-quick(8) rule for wg0'
        run without_nft "$variant" wg-quick down wg0
        host_run h rm -rf /run/wgq
      else
        run without_nft "$variant" wg-quick up wg0
        echo "$output"
        assert_success
        run host_run h "iptables-$variant-save"
        assert_output --partial 'wg-quick(8) rule for wg0'
        run host_run h "$WGQ" down wg0
      fi
      echo "$output"
      assert_success
      diff <(echo "$before") <(host_state h | without_empty_tables)
      host_run h iptables-$variant -D INPUT -p tcp --dport 22 -j ACCEPT
    done
    host_run h nft flush ruleset
  done
}
