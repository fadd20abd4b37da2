#!/usr/bin/env bats
# A relay on a kernel without nf_tables, whose iptables are the legacy ones. Inside the guest of `tests/vm/run hosts` only;
# see relay.bash for the hosts and the paths.

load relay

setup_file() {
  relay_build
  for iptables in iptables ip6tables; do
    update-alternatives --set "$iptables" "/usr/sbin/$iptables-legacy"
    "$iptables" -L > /dev/null # the modules
  done
}

teardown_file() {
  host_end_all
}

setup() {
  sysctl -qw net.ipv4.ip_forward=0
}

teardown() {
  relay_down 2> /dev/null || true
  ufw --force reset
  for iptables in iptables ip6tables; do
    "$iptables" -P INPUT ACCEPT
    "$iptables" -P FORWARD ACCEPT
    for table in filter nat mangle raw; do
      "$iptables" -t "$table" -F
      "$iptables" -t "$table" -X
    done
  done
} > /dev/null 2>&1

@test "there is no nf_tables here" {
  run nft list ruleset
  [ "$status" -ne 0 ]
}

@test "no firewall: what is declared passes, the rest does not" {
  relay_serves "4 6" "4 6" true
}

@test "policy DROP, the input closed too" {
  iptables -P FORWARD DROP
  ip6tables -P FORWARD DROP
  relay_close_input iptables ip6tables
  relay_is_blocked ""
  relay_serves "" "" true
}

@test "ufw: the port is reported, then opened as told; reload" {
  relay_ufw
}
