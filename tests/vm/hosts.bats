#!/usr/bin/env bats
# A relay beside the software that owns the firewall of real hosts: Debian's packages, run by systemd. Inside the guest of
# `tests/vm/run hosts` only; see relay.bash for the hosts and the paths.

load relay

setup_file() {
  relay_build
}

teardown_file() {
  host_end_all
}

setup() {
  sysctl -qw net.ipv4.ip_forward=0
}

teardown() {
  relay_down 2> /dev/null || true
  systemctl stop docker.socket docker firewalld
  rm -f /etc/firewalld/zones/*
  ufw --force reset
  ip link delete docker0
  nft flush ruleset
} > /dev/null 2>&1

@test "no firewall: what is declared passes, the rest does not" {
  relay_conf
  relay_up
  expect p1 p2 6
  relay_down
  relay_serves "4 6" "4 6" true
}

@test "iptables-nft with policy DROP" {
  iptables -P FORWARD DROP
  ip6tables -P FORWARD DROP
  relay_is_blocked ""
  relay_serves "4 6" "" true
}

@test "ufw: the port is reported, then opened as told; reload" {
  relay_ufw
}

# Its last rules are there when it answers; on a slow machine it takes longer to do so than firewall-cmd has patience.
firewalld_answers() {
  for _ in {1..5}; do ! firewall-cmd --state || return 0; done
  false
}

firewalld_start() {
  systemctl start firewalld
  firewalld_answers
}

firewalld_reload() {
  firewall-cmd --reload || firewalld_answers
}

@test "firewalld: the port is reported, then opened as told; reload" {
  # the chains of a zone that was once in use stay until the next reload: this one is always in use
  firewall-offline-cmd --zone=trusted --add-interface=none0
  firewalld_start
  relay_port_is_reported "--add-port=51820/udp"
  firewall-cmd --permanent --add-port=51820/udp
  firewalld_reload
  relay_is_blocked ""
  relay_serves "" "" firewalld_reload
}

@test "firewalld: where no zone fits it is said what to do; an administrator's zone stays" {
  firewalld_start
  firewall-cmd --add-port=51820/udp
  relay_conf 'Forward = yes'
  run relay_up
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *forward-blocked* ]]
  [[ $output == *firewall-cmd* ]]
  relay_down

  firewall-cmd --zone=drop --change-interface=wg0
  relay_conf 'Forward = mesh' 'AllowFrom = peers'
  run relay_up
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$(firewall-cmd --get-zone-of-interface=wg0)" = drop ]
  relay_down
  [ "$(firewall-cmd --get-zone-of-interface=wg0)" = drop ]
}

@test "firewalld stops or forgets while the tunnel is up: down is clean" {
  firewalld_start
  firewall-cmd --add-port=51820/udp
  relay_conf 'Forward = mesh' 'AllowFrom = peers'
  relay_up
  [ "$(firewall-cmd --get-zone-of-interface=wg0)" = trusted ]
  [ "$(reach p1 p2)" = "4 6" ]
  systemctl stop firewalld
  relay_down
  relay_up
  firewalld_start
  relay_down
  run nft list tables
  [[ $output != *wgq* ]]
}

docker_start() { # [JSON]: more of its configuration
  mkdir -p /etc/docker
  printf '{"storage-driver": "vfs"%s}\n' "${1-}" > /etc/docker/daemon.json
  systemctl start docker
}

@test "dockerd, whose policy is DROP: restart" {
  docker_start
  relay_is_blocked 6
  relay_serves "4 6" 6 systemctl restart docker
}

@test "dockerd with ip6tables, which has no DOCKER-USER: restart" {
  docker_start ', "ipv6": true, "fixed-cidr-v6": "fd00:d::/64", "ip6tables": true, "experimental": true'
  relay_is_blocked ""
  relay_serves "4 6" "" systemctl restart docker
}

# The last one: the legacy tables stay, if only empty.
@test "iptables of both variants with policy DROP, the input closed too" {
  local variants=(iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy) iptables
  for iptables in "${variants[@]}"; do "$iptables" -P FORWARD DROP; done
  relay_close_input "${variants[@]}"
  relay_is_blocked ""
  relay_serves "" "" true
}
