#!/usr/bin/env bats
# What the commands say and exit with, the record and the locks, beside what wg-quick does as well.

bats_require_minimum_version 1.5.0

load lib

setup() {
  : "${WGQ:=$BATS_TEST_DIRNAME/../../build/wgq}"
  host_new h
  # the kernel clears it for good when a WireGuard link comes up
  host_run h sh -c 'echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects'
}

teardown() {
  host_end_all
}

wgq() { host_run h "$WGQ" "$@"; }

plain() { # [IFACE [NUMBER]]: a small tunnel
  host_conf h "${1:-wg0}" << F
[Interface]
PrivateKey = {A}
Address = 10.0.${2:-0}.1/24
[Peer]
PublicKey = {b}
AllowedIPs = 10.0.${2:-0}.2/32, 192.168.${2:-0}.0/24
F
}

full() { # IFACE
  host_conf h "${1:-wg0}" << 'F'
[Interface]
PrivateKey = {A}
Address = 10.0.0.1/24, fd00::1/64
[Peer]
PublicKey = {b}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 192.0.2.9:51820
F
}

records() { host_run h sh -c 'ls /run/wgq 2> /dev/null | grep -c ^record' || true; }

@test "usage errors exit with 2 and name the fault; called wg-quick with 1" {
  for words in "" "upp wg0" "up" "up wg0 wg1" "genkey x" "--frob" "-n strip wg0" "down"; do
    # shellcheck disable=SC2086
    run -2 "$WGQ" $words
    [[ $output == *Usage:* ]]
  done
  ln -s "$(realpath "$WGQ")" "$BATS_TEST_TMPDIR/wg-quick"
  run -1 "$BATS_TEST_TMPDIR/wg-quick" upp wg0
  [[ $output == wg-quick:* ]]
  run -1 "$BATS_TEST_TMPDIR/wg-quick" genkey
  run -0 --separate-stderr "$BATS_TEST_TMPDIR/wg-quick" --help
  [ -z "$output" ]
  [ -n "$stderr" ]
  run -0 --separate-stderr "$WGQ" --help
  [ -z "$stderr" ]
  run -0 --separate-stderr "$WGQ" up --help
  [[ $output == *"wgq up wg0"* ]]
}

@test "genkey, genpsk and pubkey agree with wg" {
  for _ in 1 2 3 4 5; do
    key=$("$WGQ" genkey)
    [ "$(wg pubkey <<< "$key")" = "$("$WGQ" pubkey <<< "$key")" ]
    [ "$(printf '%s' "$key" | "$WGQ" pubkey)" = "$("$WGQ" pubkey <<< "$key")" ]
    psk=$("$WGQ" genpsk)
    [ ${#psk} -eq 44 ]
    [ "$psk" != "$key" ]
  done
  run -1 "$WGQ" pubkey <<< "nonsense"
  run -1 "$WGQ" pubkey < /dev/null
  run -1 "$WGQ" pubkey <<< "$key x"
  [[ $output != *"$key"* ]]
  run -1 bash -c "'$WGQ' genkey > /dev/full"
  (umask 0; "$WGQ" genkey > "$BATS_TEST_TMPDIR/key" 2> "$BATS_TEST_TMPDIR/said")
  grep -q "world accessible" "$BATS_TEST_TMPDIR/said"
}

@test "a dry run prints the plan on standard output and changes nothing, not even /run/wgq" {
  full
  before=$(host_state h)
  run -0 --separate-stderr wgq up -n wg0
  [[ $output == *"ip -4 route add 0.0.0.0/0 dev wg0 table 51820"* ]]
  [[ $output == *"ip -6 rule add not fwmark 51820 table 51820"* ]]
  [ "$before" = "$(host_state h)" ]
  run -1 host_run h test -e /run/wgq
  wgq up wg0
  up=$(host_state h)
  run -0 --separate-stderr wgq down -n wg0
  [[ $output == *"ip link delete dev wg0"* ]]
  [ "$up" = "$(host_state h)" ]
}

@test "up twice: the second says whose the interface is and changes nothing" {
  plain
  wgq up wg0
  up=$(host_state h)
  run -1 wgq up wg0
  [[ $output == *"already exists: wgq brought it up from /etc/wireguard/wg0.conf"* ]]
  [ "$up" = "$(host_state h)" ]
  wgq down wg0
  [ "$(records)" = 0 ]
}

@test "up says once what its hooks leave behind or turn off, and goes on; down and strip do not" {
  host_conf h wg0 << 'F'
[Interface]
PrivateKey = {A}
Address = 10.0.0.1/24
PostUp = sysctl -qw net.ipv4.ip_forward=1; iptables -A FORWARD -i wg0 -j ACCEPT; true
PostDown = sysctl -qw net.ipv4.ip_forward=0
F
  run -0 --separate-stderr wgq up wg0
  [ "$(grep -c '\[hook-unbalanced\]' <<< "$stderr")" -eq 1 ]
  [ "$(grep -c '\[forwarding-clobber\]' <<< "$stderr")" -eq 1 ]
  [[ $stderr == *"wg0.conf:4:44: warning: "*"help: write Forward = yes instead of PostUp and PostDown"* ]]
  run -0 --separate-stderr wgq down wg0
  [[ $stderr != *warning* ]]
  run -0 --separate-stderr wgq strip wg0
  [ -z "$stderr" ]
}

@test "of five files of a mesh only the relay's PostDown is warned of, with the line that replaces both hooks" {
  local name
  for name in A B C D E; do
    sed -E 's/(PrivateKey = )<(.)>/\1{\2}/; s/(PublicKey = )<(.)>/\1{\l\2}/; s/X\.X\.X/203.0.113/; s/113\.A/113.1/; s/113\.B/113.2/; s/113\.C/113.3/; s/113\.D/113.4/; s/113\.E/113.5/' \
      "$BATS_TEST_DIRNAME/mesh/$name.conf" | host_conf h wg0
    run -0 --separate-stderr wgq -n up wg0
    case $name in
      C) [[ $(grep -c 'warning:' <<< "$stderr") == 1 && $stderr == *"[forwarding-clobber]"*"write Forward = yes instead of PostUp and PostDown" ]] ;;
      *) [[ $stderr != *warning:* ]] ;;
    esac
  done
}

@test "up says what is wrong with a file that can be brought up, and goes on; with --strict errors stop it" {
  local before
  host_conf h wg0 << 'F'
[Interface]
PrivateKey = {A}
Address = 10.0.0.0/24
[Peer]
PublicKey = {b}
AllowedIPs = 10.0.0.2/32
[Peer]
PublicKey = {c}
AllowedIPs = 10.0.0.2/32
F
  before=$(host_state h)
  run -2 --separate-stderr wgq up --strict wg0
  [[ $stderr == *"wg0.conf:6:14: error: "*"[duplicate-allowed-ip]"* ]]
  run -2 wgq -n --strict up wg0
  [ "$before" = "$(host_state h)" ]
  run -0 --separate-stderr wgq -q up wg0
  [[ $stderr == *"wg0.conf:3:11: warning: "*"[address-is-network]"*"wg0.conf:6:14: warning: "*"[duplicate-allowed-ip]"* ]]
  [ "$(grep -c '\]$' <<< "$stderr")" -eq 2 ]
  run -0 --separate-stderr wgq -q down wg0
  [ -z "$stderr" ]
  run -2 wgq down --strict wg0
  [[ $output == *"--strict means nothing to"* ]]
}

@test "warnings alone do not stop a strict up" {
  host_conf h wg0 <<< $'[Interface]\nPrivateKey = {A}\nAddress = 10.0.0.0/24'
  run -0 --separate-stderr wgq -q up --strict wg0
  [[ $stderr == *"[address-is-network]"* ]]
  wgq -q down wg0
}

@test "an Endpoint within AllowedIPs is told of where its packets do go into the tunnel" {
  host_uplink h eth0 192.0.2.1/25
  host_conf h wg0 << 'F'
[Interface]
PrivateKey = {A}
Address = 10.0.0.1/24
[Peer]
PublicKey = {b}
AllowedIPs = 10.0.0.2/32, 192.0.2.0/24
Endpoint = 192.0.2.2:51820
[Peer]
PublicKey = {c}
AllowedIPs = 10.0.0.3/32, 198.51.100.0/24, 2001:db8::/32
Endpoint = 198.51.100.2:51820
F
  run -0 --separate-stderr wgq -q up wg0
  # the first one's network is this host's own too, by a longer prefix
  [[ $stderr == *"wg0.conf:11:12: warning: "*"[endpoint-in-tunnel]"* ]]
  [ "$(grep -c 'endpoint-in-tunnel' <<< "$stderr")" -eq 1 ]
  run -0 wgq check wg0
  [ "$(grep -c 'endpoint-in-tunnel' <<< "$output")" -eq 1 ]
  wgq -q down wg0
}

@test "an interface of wg-quick's or of another kind in the way is named and stays" {
  plain
  host_run h wg-quick up wg0
  run -1 wgq up wg0
  [[ $output == *"a WireGuard interface that wgq did not bring up; 'wgq down wg0' takes it down"* ]]
  host_run h ip link show wg0
  host_run h ip link add other type bridge
  plain other
  run -1 wgq up other
  [[ $output == *"a network interface of kind bridge"* ]]
  host_run h ip link show other
  run -1 wgq down other
  [[ $output == *"not a WireGuard interface"* ]]
  host_run h ip link show other
}

@test "down with neither record nor interface exits with 1, without a file too" {
  plain
  run -1 wgq down wg0
  [[ $output == *"is not up"* ]]
  run -1 wgq down wg9
}

@test "down after the file was deleted or changed undoes what up did" {
  full
  before=$(host_state h | grep -v src_valid_mark)
  wgq up wg0
  host_run h rm /etc/wireguard/wg0.conf
  wgq down wg0
  [ "$before" = "$(host_state h | grep -v src_valid_mark)" ]
  full
  wgq up wg0
  plain
  wgq down wg0
  [ "$before" = "$(host_state h | grep -v src_valid_mark)" ]
}

@test "down after the interface vanished removes the rest, runs the hooks and exits with 0" {
  full
  host_run h sh -c 'printf "%s\n" "[Interface]" "PostDown = echo %i >> /run/ran" >> /etc/wireguard/wg0.conf'
  before=$(host_state h | grep -v src_valid_mark)
  wgq up wg0
  host_run h ip link delete wg0
  run -0 wgq down wg0
  [[ $output == *vanished* ]]
  [ "$before" = "$(host_state h | grep -v src_valid_mark)" ]
  [ "$(host_run h cat /run/ran)" = wg0 ]
  [ "$(records)" = 0 ]
}

@test "up after the interface vanished first undoes the rest, so that nothing is there twice" {
  full
  wgq up wg0
  once=$(host_state h)
  host_run h ip link delete wg0
  run -0 wgq up wg0
  [ "$once" = "$(host_state h)" ]
}

@test "the rest of a vanished tunnel spares the rules of one that took its table since" {
  full wg0
  full wg1
  wgq up wg0
  host_run h ip link delete wg0
  host_run h nft flush ruleset
  host_run h ip rule del table 51820
  host_run h ip rule del table main suppress_prefixlength 0
  host_run h ip -6 rule del table 51820
  host_run h ip -6 rule del table main suppress_prefixlength 0
  wgq up wg1
  up=$(host_state h)
  run -0 wgq down wg0
  [ "$up" = "$(host_state h)" ]
}

@test "two full tunnels take two tables, and one's down leaves the other's rules" {
  full wg0
  full wg1
  wgq up wg0
  alone=$(host_state h)
  wgq up wg1
  host_run h ip rule show | grep -q 51821
  wgq down wg1
  [ "$alone" = "$(host_state h)" ]
}

@test "a table that only a rule mentions is taken too" {
  full
  host_run h ip rule add fwmark 51820 table 99
  wgq up wg0
  host_run h wg show wg0 fwmark | grep -qi "$(printf '0x%x' 51821)"
}

@test "a hook that calls wgq on another interface works, on its own one it fails with a message" {
  plain wg1 1
  plain wg0
  host_run h sh -c "printf '%s\n' '[Interface]' 'PostUp = $WGQ up wg1' 'PreDown = $WGQ down wg1' >> /etc/wireguard/wg0.conf"
  wgq up wg0
  host_run h ip link show wg1
  wgq down wg0
  run -1 host_run h ip link show wg1
  host_run h sh -c "printf '%s\n' '[Interface]' 'PostUp = $WGQ down wg2' >> /etc/wireguard/wg1.conf; mv /etc/wireguard/wg1.conf /etc/wireguard/wg2.conf"
  run -1 host_run h timeout 20 "$WGQ" up wg2
  [[ $output == *"a hook cannot use wgq on the interface whose hook it is"* ]]
  run -1 host_run h ip link show wg2
}

@test "a file that anybody may change is refused, one that anybody may read is warned of" {
  plain
  host_run h chmod 0666 /etc/wireguard/wg0.conf
  host_run h chmod 0755 /etc/wireguard
  run -2 wgq up wg0
  [[ $output == *"[file-permissions]"* ]]
  host_run h chmod 0644 /etc/wireguard/wg0.conf
  run -0 wgq up wg0
  [[ $output == *"world accessible"* ]]
}

@test "a record or folder that is not root's alone is refused" {
  plain
  wgq up wg0
  host_run h chmod 0755 /run/wgq
  run -1 wgq down wg0
  [[ $output == *"chmod 700 /run/wgq"* ]]
  host_run h chmod 0700 /run/wgq
  host_run h sh -c 'chmod 0644 /run/wgq/record.*'
  run -1 wgq down wg0
  [[ $output == *"does not belong to root alone"* ]]
  host_run h sh -c 'chmod 0600 /run/wgq/record.*'
  wgq down wg0
}

@test "a name that does not resolve leaves the tunnel up without that endpoint; with retries set it does not come up" {
  host_conf h wg0 << 'F'
[Interface]
PrivateKey = {A}
Address = 10.0.0.1/24
[Peer]
PublicKey = {b}
AllowedIPs = 10.0.0.2/32
Endpoint = nowhere.invalid:51820
[Peer]
PublicKey = {c}
AllowedIPs = 10.0.0.3/32
Endpoint = 127.0.0.9:51820
F
  host_run h sh -c ': > /etc/resolv.conf'
  run -0 wgq up wg0
  [[ $output == *"'nowhere.invalid:51820' does not resolve"* ]]
  host_run h wg show wg0 endpoints | grep -q 127.0.0.9:51820
  wgq down wg0
  before=$(host_state h)
  run -1 host_run h env WG_ENDPOINT_RESOLUTION_RETRIES=0 "$WGQ" up wg0
  [ "$before" = "$(host_state h)" ]
}

@test "a configuration error shows file, line, column and caret, no key, and exits with 2" {
  host_conf h wg0 << 'F'
[Interface]
PrivateKey = {A}x
Adress = 10.0.0.1/24
ListenPort = 70000
F
  before=$(host_state h)
  run -2 wgq up wg0
  [[ $output == *"/etc/wireguard/wg0.conf:3:1: error:"* ]]
  [[ $output == *"/etc/wireguard/wg0.conf:4:14: error:"* ]]
  [[ $output == *Address* ]]
  [[ $output != *"${TEST_KEYS[A]}"* ]]
  [ "$before" = "$(host_state h)" ]
}

@test "no key is in the output of up and down, with -v, nor in the record or argv" {
  plain
  run -0 wgq up -v wg0
  [[ $output != *"${TEST_KEYS[A]}"* ]]
  run -1 host_run h grep -r "${TEST_KEYS[A]}" /run/wgq
  run -0 wgq down -v wg0
  [[ $output != *"${TEST_KEYS[A]}"* ]]
}

@test "-q prints no steps, long runs of like steps fold, -v unfolds them" {
  plain
  # shellcheck disable=SC2016  # expanded there
  host_run h sh -c 'for i in $(seq 100); do echo "AllowedIPs = 172.16.$i.0/24"; done >> /etc/wireguard/wg0.conf'
  run -0 wgq -q up wg0
  [ -z "$output" ]
  wgq down wg0
  run -0 wgq up wg0
  [[ $output == *"(and 100 more)"* ]]
  [ "${#lines[@]}" -lt 15 ]
  wgq down wg0
  run -0 wgq up wg0 -v
  [ "${#lines[@]}" -gt 100 ]
}

@test "a dry run of down, where the interface vanished, prints what is left and does none of it" {
  full
  host_run h sh -c 'printf "%s\n" "[Interface]" "PostDown = touch /run/ran" >> /etc/wireguard/wg0.conf'
  wgq up wg0
  host_run h ip link delete wg0
  before=$(host_state h)
  run -0 wgq down -n wg0
  [[ $output == *"nft delete table ip wg-quick-wg0"* && $output == *"touch /run/ran"* ]]
  [ "$before" = "$(host_state h)" ]
  [ "$(records)" = 1 ]
  run -1 host_run h test -e /run/ran
  wgq down wg0
}

@test "where another interface took the name, up spares it and down takes down that one and both's rules" {
  full
  before=$(host_state h | grep -v src_valid_mark)
  wgq up wg0
  host_run h ip link delete wg0
  host_run h wg-quick up wg0
  theirs=$(host_state h)
  run -1 wgq up wg0
  [[ $output == *"wgq did not bring up"* ]]
  [ "$theirs" = "$(host_state h)" ]
  run -0 wgq down wg0
  [[ $output == *"is not the interface that wgq brought up"* ]]
  [ "$before" = "$(host_state h | grep -v src_valid_mark)" ]
  [ "$(records)" = 0 ]
}

@test "a resolver that fails keeps neither a tunnel up nor its rest in place" {
  plain
  # shellcheck disable=SC2016  # expanded there
  host_run h sh -c 'printf "%s\n" "[Interface]" "DNS = 10.0.0.53" >> /etc/wireguard/wg0.conf; mkdir /run/bin
    printf "%s\n" "#!/bin/sh" "[ \$1 = -a ]" > /run/bin/resolvconf; chmod +x /run/bin/resolvconf'
  with_path() { host_run h env PATH="/run/bin:$PATH" "$WGQ" "$@"; }
  with_path up wg0
  run -0 with_path down wg0
  [[ $output == *resolvconf* ]]
  run -1 host_run h ip link show wg0
  with_path up wg0
  host_run h ip link delete wg0
  run -0 with_path down wg0
  [ "$(records)" = 0 ]
}

@test "down of a tunnel of wg-quick's with Table = off leaves the administrator's rules" {
  plain
  host_run h sh -c 'printf "%s\n" "[Interface]" "Table = off" "FwMark = 0x99" >> /etc/wireguard/wg0.conf'
  host_run h ip rule add not fwmark 0x99 table 153
  before=$(host_state h)
  host_run h wg-quick up wg0
  wgq down wg0
  [ "$before" = "$(host_state h)" ]
}

@test "a file that anybody may change is not run by down either" {
  plain
  host_run h wg-quick up wg0
  host_run h sh -c 'printf "%s\n" "[Interface]" "PreDown = touch /run/ran" >> /etc/wireguard/wg0.conf; chmod 0666 /etc/wireguard/wg0.conf'
  run -2 wgq down wg0
  host_run h ip link show wg0
  run -1 host_run h test -e /run/ran
}

@test "two ups of one interface at once: one does it, the other waits and is refused" {
  plain
  host_run h sh -c 'printf "%s\n" "[Interface]" "PostUp = sleep 1" >> /etc/wireguard/wg0.conf'
  wgq up wg0 > "$BATS_TEST_TMPDIR/first" 2>&1 &
  first=$!
  sleep 0.3
  run -1 wgq up wg0
  [[ $output == *"waiting for process"* && $output == *"already exists"* ]]
  wait "$first"
  host_run h ip link show wg0
}

@test "SIGINT, SIGTERM and SIGHUP in a hook: undone, and dead of that signal" {
  full
  host_run h sh -c 'printf "%s\n" "[Interface]" "PostUp = sleep 30" >> /etc/wireguard/wg0.conf'
  before=$(host_state h)
  for signal in INT TERM HUP; do
    # not in the background: bash would have it ignore SIGINT
    run host_run h timeout --foreground --preserve-status -s "$signal" 1 "$WGQ" up wg0
    [ "$status" -eq $((128 + $(kill -l "$signal"))) ]
    [ "$before" = "$(host_state h)" ]
    [ "$(records)" = 0 ]
  done
}

@test "who is not root: sudo runs the same words again, a dry run needs none, without sudo it says so" {
  # shellcheck disable=SC2016  # expanded there
  host_run h sh -c 'mkdir /run/bin && cp "$0" /run/bin/wgq && ln -s wgq /run/bin/wg-quick
    printf "%s\n" "#!/bin/sh" "printf \"<%s>\" \"\$@\"" > /run/bin/sudo && chmod +x /run/bin/sudo
    mkdir /run/home && cat > /run/home/wg0.conf && chmod 644 /run/home/wg0.conf' "$(realpath "$WGQ")" << 'F'
[Interface]
Address = 10.0.0.1/24, fd00::1/64
DNS = 10.0.0.53
[Peer]
PublicKey = McgvAeUME5HG5c1Fh1swMOXjX9VG8AxAam4SdVF75W8=
AllowedIPs = 0.0.0.0/0, ::/0
F
  other() { host_run h setpriv --reuid 65534 --regid 65534 --clear-groups env "PATH=$1" "${@:2}"; }
  run -0 other /run/bin:/usr/bin:/bin wgq -v up /run/home/wg0.conf
  [ "$output" = "<-p><wgq must be run as root. Please enter the password for %u to continue: ><--></run/bin/wgq><-v><up></run/home/wg0.conf>" ]
  run -0 other /run/bin:/usr/bin:/bin wg-quick up wg0
  [[ $output == *"</run/bin/wg-quick><up><wg0>" ]]
  run -0 --separate-stderr other /run/bin:/usr/sbin:/usr/bin:/bin wgq -n up /run/home/wg0.conf
  [[ $output == *"ip -4 route add 0.0.0.0/0 dev wg0 table 51820"* ]]
  [[ $output == *"nft add table ip wg-quick-wg0"* ]]
  [[ $stderr != *resolver* ]]
  run -0 other /run/bin:/usr/bin:/bin wgq strip /run/home/wg0.conf
  host_run h rm /run/bin/sudo
  run -1 other /run/bin wgq up /run/home/wg0.conf
  [[ $output == *"must be run as root, and there is no sudo"* ]]
}
