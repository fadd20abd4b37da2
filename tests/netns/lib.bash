# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Hosts made of namespaces. A host has a network, a mount and a PID namespace of its own, an empty /run and a private,
# writable /etc with an empty /etc/wireguard; it has lo, and whatever links it is given. Nothing of this machine's
# network or files changes, and a host dies with the process that made it, whatever kills that process. Source this
# from a bats file or a script that runs as root.
#
#   host_new NAME...                     makes hosts; from the process that is to own them, not from $(...) or a pipe.
#                                        A NAME is a bash identifier
#   host_run NAME COMMAND...             runs a command there; streams, environment and working directory are the caller's
#   host_conf NAME IFACE < FILE          writes /etc/wireguard/IFACE.conf there, mode 0600
#   host_uplink NAME IFACE ADDR[,ADDR...] [GATEWAY [MTU]]
#                                        an interface to nowhere, with a default route by GATEWAY ('': none)
#   host_link A IFACE_A ADDR_A B IFACE_B ADDR_B
#                                        a cable between two hosts ('' for an address: none)
#   host_state NAME                      all that a tunnel could change, as text: links, addresses, rules, routes of all
#                                        tables, nftables, iptables-legacy tables, sysctls, WireGuard, /etc/resolv.conf
#   host_end NAME / host_end_all         the end of one, of all of this process
#   host_once COMMAND...                 a fresh host only for this command, a shell function exported or a program
#   kernel_wireguard                     is there WireGuard in this kernel?
#   fill                                 filter: replaces {A}..{E} by private keys, {a}..{e} by their public keys,
#                                        {psk} by a preshared key
# Inside a host (in host_once, or after sourcing this file there) `here_conf`, `here_uplink` and `here_state` are the
# same without NAME.

HOST_LIB=$(realpath "${BASH_SOURCE[0]}")

declare -gA TEST_KEYS=(
  [A]=QDC/+yzO4gsQwJcO071nVXs7awWs2TsxA8HvofcKZ00= [a]=lQ8iPMNf4t1LKlBmIJQD06jHVHfhrS6VPrmWx52AxTs=
  [B]=uON/FT3FRyTVaj0H8ZqCA3/W0tmQXDbWujkqWOFjRE4= [b]=McgvAeUME5HG5c1Fh1swMOXjX9VG8AxAam4SdVF75W8=
  [C]=kKfBcFufDMgUz6mHoz97+zBKfhaDNq4YyRoFR735Nnw= [c]=vDff87R8Nh64TJkXFn4a3AEgjagWf7Jn0W+s3QYhQ24=
  [D]=YN2ziCbDOBsEBjune8pPUU5R1TmkFjCeuGKp847Ualc= [d]=+mqJwbEbjATSzrV/g4vJvZnF/VpL/IlWrR9lKvAB1U4=
  [E]=UDAyo3iUu5GdGafw/bhWVuvxqGZmWaa2kG9Ucp5UUms= [e]=aDv09uH3kCHwGsYZPUGFqHxywqQDlEolMK+Ks62d0wA=
  [psk]=YerX+einj9fzH1qEN2oiIWpF2dmsg6hdrrBrDS0TFSY=
)

fill() {
  local text name
  IFS= read -r -d '' text || true
  for name in "${!TEST_KEYS[@]}"; do text=${text//"{$name}"/"${TEST_KEYS[$name]}"}; done
  printf %s "$text"
}

# --- hosts, seen from outside ---------------------------------------------------------------------------------------

# Process 1 of a host is a bash: it reaps what daemons leave behind. unshare(1) dies with its parent, all of the host
# with unshare(1).
_host_shell() { # ARGUMENT...: of _host_main
  # shellcheck disable=SC2016  # expanded by that bash
  exec setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    bash -c '. "$0" && _host_main "$@"' "$HOST_LIB" "$@"
}

_host_main() { # hold, or a command
  here_init || exit
  if [[ $1 == hold ]]; then
    echo ready
    exec > /dev/null
    while :; do sleep 100000; done
  fi
  "$@"
}

host_new() {
  local name fd line
  for name in "$@"; do
    exec {fd}< <(_host_shell hold 3>&-)
    export "host_pid_$name=$!"
    if ! read -r -u "$fd" line || [[ $line != ready ]]; then
      echo "host $name could not be made" >&2
      return 1
    fi
    exec {fd}<&-
  done
}

host_run() {
  local pid=host_pid_$1
  shift
  nsenter --target "${!pid:?no such host}" --net --mount --pid="/proc/${!pid}/ns/pid_for_children" --wdns="$PWD" \
    -- "$@" 3>&-
}

_host_call() { # NAME FUNCTION ARGUMENT...: one of the here_ functions
  # shellcheck disable=SC2016  # expanded by that bash
  host_run "$1" bash -c '. "$0" && "$@"' "$HOST_LIB" "${@:2}"
}

host_once() (
  _host_shell "$@" 3>&-
)

host_conf() { _host_call "$1" here_conf "$2"; }
host_uplink() { _host_call "$1" here_uplink "${@:2}"; }
host_state() { _host_call "$1" here_state; }

host_link() {
  local a=host_pid_$1 b=host_pid_$4 end
  ip link add "$2" netns "${!a}" type veth peer name "$5" netns "${!b}" || return
  for end in "$1 $2 $3" "$4 $5 $6"; do
    # shellcheck disable=SC2086  # three words, the last one may be missing
    set -- $end
    printf '%s\n' ${3:+"address add $3 dev $2"} "link set $2 up" | host_run "$1" ip -batch - || return
  done
}

host_end() {
  local pid=host_pid_$1
  [[ ${!pid:-} ]] || return 0
  kill -KILL "${!pid}" 2> /dev/null || true
  wait "${!pid}" 2> /dev/null || true
  unset "host_pid_$1"
}

host_end_all() {
  local name
  for name in "${!host_pid_@}"; do host_end "${name#host_pid_}"; done
}

kernel_wireguard() {
  [[ -d /sys/module/wireguard ]] || unshare --net ip link add wgprobe type wireguard 2> /dev/null
}

# --- inside a host --------------------------------------------------------------------------------------------------

here_init() {
  local -
  set -e
  mount -t tmpfs -o mode=755 none /run
  mount -t sysfs none /sys # shows the interfaces of the namespace that it is mounted in
  mkdir -p /run/host/etc /run/host/etc.work
  # an overlay, so that rt_tables, resolv.conf and the like can be changed; a copy where the kernel has none
  mount -t overlay -o lowerdir=/etc,upperdir=/run/host/etc,workdir=/run/host/etc.work none /etc 2> /dev/null ||
    { cp -a /etc/. /run/host/etc/ && mount --bind /run/host/etc /etc; }
  mkdir -p /etc/wireguard
  mount -t tmpfs -o mode=700 none /etc/wireguard
  # This machine's resolvers are no part of the host.
  local program
  for program in /{usr/,}{s,}bin/{resolvconf,resolvectl}; do
    [[ ! -e $program ]] || mount --bind /dev/null "$program"
  done
  rm -f /etc/resolv.conf
  echo "nameserver 192.0.2.53" > /etc/resolv.conf
  ip link set lo up
  # A random port is known as such, addresses need no second until they are there, and the fe80 address that a tun
  # device gets (a kernel WireGuard device gets none) is always the same one.
  echo "61000 61999" > /proc/sys/net/ipv4/ip_local_port_range
  echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
  echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad
  echo fd00::5ec:2e7 > /proc/sys/net/ipv6/conf/default/stable_secret
}

here_conf() { # IFACE
  (umask 077 && fill > "/etc/wireguard/$1.conf")
}

here_uplink() { # IFACE ADDR[,ADDR...] [GATEWAY [MTU]]
  local address
  {
    # addresses of hardware that never change, so that two hosts are equal; no fe80, which no test needs
    printf 'link add %s address 02:00:00:00:00:01 type veth peer name %s-far address 02:00:00:00:00:02\n' "$1" "$1"
    printf 'link set %s addrgenmode none\n' "$1-far" "$1"
    printf 'link set %s up\n' "$1-far" "$1"
    if [[ ${4:-} ]]; then printf 'link set %s mtu %s\n' "$1" "$4"; fi
    for address in ${2//,/ }; do printf 'address add %s dev %s\n' "$address" "$1"; done
    if [[ ${3:-} ]]; then printf 'route add default via %s dev %s\n' "$3" "$1"; fi
  } | ip -batch - || return
  # the kernel finds out some time later that there is a carrier
  until [[ $(< "/sys/class/net/$1/operstate") == up && $(< "/sys/class/net/$1-far/operstate") == up ]]; do sleep 0.01; done
}

# Every line says what it is about and means something by itself; sorted, so that two states can be compared by diff.
# What cannot be equal in two equal hosts is left out here, and only here:
#   - the numbers of interfaces: they count all links that were ever made;
#   - a random ListenPort (61000-61999): it is random, and there or not depending on how far wireguard-go is with
#     opening its socket;
#   - the rule against spoofing of the fe80 address that wireguard-go's tun device, and no kernel device, gets at link up:
#     wg-quick asks the device for its addresses after that, wgq before;
#   - the order of peers where wireguard-go answers: it is random; the kernel's order is compared;
#   - legacy tables that are there and empty: what has once been asked for stays;
#   - the order of nftables' tables, which have no order of their effect; that of rules inside a chain is compared.
legacy_rules() { # ip|ip6: not asked for where there is none, since asking makes tables
  [[ ! $(cat "/proc/net/$1_tables_names" 2> /dev/null) ]] || "${1}tables-legacy-save" | sed -E "/^#/d; s/ \[[0-9]+:[0-9]+\]$//; s/^\*/*$1 /"
}

here_state() {
  local - interface addresses
  set +e # some of it is not everywhere
  # A new IPv6 address is tentative for a moment, even where nothing is checked, and its route comes with the end of it.
  for _ in {1..200}; do
    addresses=$(ip -oneline address show)
    [[ $addresses == *" tentative "* ]] || break
    sleep 0.01
  done
  {
    echo "@link" && ip -details -oneline link show
    printf '@addr\n%s\n' "$addresses"
    echo "@4" && printf 'rule show\nroute show table all\n' | ip -details -4 -batch -
    echo "@6" && printf 'rule show\nroute show table all\n' | ip -details -6 -batch -
    echo "@nft" && nft list ruleset 2> /dev/null # it warns of tables that are iptables'
    for interface in $(wg show interfaces); do
      echo "@wg $interface $([[ -S /run/wireguard/$interface.sock ]] && echo unordered)" && wg showconf "$interface"
    done
    echo "@sysctl" && grep -rs '' /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward
    echo "@legacy" && legacy_rules ip && legacy_rules ip6
    echo "@resolv.conf" && cat /etc/resolv.conf
  } | awk '
    function peer() {
      if (body != "")
        printf "wg %s peer:%s\n", about, body
      if (body != "" && !unordered)
        printf "wg %s peers in order, %03d: %s\n", about, ++peers, key
      body = ""
    }
    /^@/ { peer(); section = substr($1, 2); about = $2; unordered = $3; peers = in_peer = 0; next }
    section == "link" {
      name = $2; sub(/@.*|:$/, "", name); sub(/^[^<]*/, ""); gsub(/ +|\\/, " "); flags = $1; $1 = ""
      mtu = $3; sub(/ mtu [0-9]+ /, "")
      printf "link %s flags %s\nlink %s mtu %s\nlink %s: %s\n", name, flags, name, mtu, name, $0
    }
    section == "addr" {
      if (/ fe80:.* stable-privacy/) { automatic = $4; sub("/.*", "", automatic); of_device[automatic] = 1 }
      name = $2; $1 = $2 = ""; gsub(/ +|\\/, " "); print "addr " name ":" $0
    }
    section ~ /^[46]$/ {
      gsub(/[ \t]+/, " ")
      print (/^[0-9]+: / ? "rule" : "route") section ": " $0
    }
    section == "nft" && /^table / { table = $2 " " $3; chain = "" }
    section == "nft" && /^\t[^\t}]/ { chain = " " $1 " " $2; rule = 0 }
    section == "nft" && / ip6 daddr fe80:/ && $6 in of_device { next }
    section == "nft" && /^\t\t/ { sub(/^\t\t/, ""); printf "nft %s%s %02d: %s\n", table, chain, ++rule, $0 }
    section == "nft" && /^table / { print "nft " table }
    section == "wg" && /^ListenPort = 61[0-9][0-9][0-9]$/ { next }
    section == "wg" && /^\[Peer\]/ { peer(); in_peer = 1; next }
    section == "wg" && /^[A-Z]/ { if (/^PublicKey/) key = $3; if (in_peer) body = body " " $0; else print "wg " about ": " $0 }
    section == "sysctl" { sub("^/proc/sys/", ""); print "sysctl " $0 }
    section == "legacy" && /^\*/ { table = substr($0, 2); rule = 0 }
    section == "legacy" && /^(:.* [^A]|-A)/ { printf "legacy %s %02d: %s\n", table, ++rule, $0 }
    section == "resolv.conf" { printf "resolv.conf %02d: %s\n", ++resolver_lines, $0 }
    END { peer() }' | LC_ALL=C sort
}
