# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# How a file may look, where it may lie, what it may be called.

file_white_space() {
  internet
  printf '%s\n' "" "   [interface]" $'\tADDRESS\t=\t10.1.0.1/24 ,\t10.2.0.1/24' "  private key={A}  " \
    "L i s t e n P o r t = 5 1 8 2" $'mtu=1400\v\f' " [ Peer ] " "PublicKey = {b}" "Allowed IPs = 10.3.0.0 / 16 , 10.4.0.0/16" \
    "ENDPOINT = 198.51.100.7 : 51820" "" | config wg0
  cycle
}

file_crlf() {
  internet
  printf '%s\r\n' "[Interface]" "Address = 10.1.0.1/24" "PrivateKey = {A}" "MTU = 1400" "Table = 9" "DNS = 10.1.0.53" \
    "PostUp = echo post-up %i" "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.3.0.0/16" "" | config wg0
  cycle
}

file_without_last_newline() {
  internet
  printf '[Interface]\nPrivateKey = {A}\n[Peer]\nPublicKey = {b}\nAllowedIPs = 10.3.0.0/16' | config wg0
  cycle
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24' | config wg0
  cycle
}

file_comments() {
  internet
  printf '%s\n' "# [Peer]" "[Interface] # the interface" "Address = 10.1.0.1/24 # = 10.2.0.1/24" "#Address = 10.3.0.1/24" \
    "PrivateKey = {A}#" "MTU = 1400 ## 1500" "  # A" "[Peer] # B" "PublicKey = {b} # = x" "AllowedIPs = 10.3.0.0/16 #, 10.4.0.0/16" \
    "# Endpoint = 198.51.100.7:7" | config wg0
  cycle
}

file_two_interface_sections() {
  internet
  printf '%s\n' "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.3.0.0/16" "[Interface]" "Address = 10.1.0.1/24" "MTU = 1300" \
    "PrivateKey = {A}" "[Peer]" "PublicKey = {c}" "AllowedIPs = 10.4.0.0/16" "[INTERFACE]" "Address = 10.2.0.1/24" \
    "MTU = 1400" "ListenPort = 444" | config wg0
  cycle
}

file_last_value_wins() {
  internet
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "MTU = 1300" "Table = off" "MTU =" "Table = 7" "Address = 10.1.0.1/24" \
    "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.3.0.0/16" | config wg0
  cycle
}

file_nul_bytes() {
  internet
  printf '[Inter\0face]\nPrivateKey = {A}\nAddr\0ess = 10.1.0\0.1/24\n' | tr '\0' '@' | fill |
    tr '@' '\0' > /etc/wireguard/wg0.conf
  cycle
}

file_empty() {
  internet
  : > /etc/wireguard/wg0.conf
  cycle
}

file_only_peers() {
  internet
  printf '[Peer]\nPublicKey = {b}\nAllowedIPs = 10.3.0.0/16, 0.0.0.0/0\n' | config wg0
  cycle
}

file_bom() { # goes on with a warning, where Debian's refuses the first line
  internet
  printf '%s[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\n' "$(debian || printf '\357\273\277')" | config wg0
  cycle
  warned "BOM|byte order mark"
}

file_link() { # the link's name counts
  internet
  mkdir -m 700 store
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\nPostUp = echo %%i\n' | fill > store/other.txt
  ln -s "$PWD/store/other.txt" /etc/wireguard/wg7.conf
  cycle wg7
}

file_by_path() {
  internet
  printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\nPostUp = echo %%i\n' | fill > wg0.conf
  mkdir folder
  cp wg0.conf folder/wg8.conf
  cp wg0.conf fifteen-letters.conf
  up wg0.conf # is /etc/wireguard/wg0.conf.conf
  up ./wg0.conf
  up folder/wg8.conf
  up fifteen-letters.conf
  state up
  down "$PWD/wg0.conf"
  down folder/../folder/wg8.conf
  down fifteen-letters.conf
  state down
}

file_names() {
  internet
  local name allowed
  for name in a-b_c=d+e.f wg.0 0 -x _ abcdefghijklmno; do
    allowed=0.0.0.0/0
    [[ $name != *[=+]* ]] || allowed=10.2.0.0/16 # nft cannot say these
    printf '[Interface]\nPrivateKey = {A}\nAddress = 10.1.0.1/24\n[Peer]\nPublicKey = {b}\nAllowedIPs = %s\n' "$allowed" |
      config "$name"
    up "./../../../etc/wireguard/$name.conf"
    state "$name"
    [[ $name != -* ]] || name=./../../../etc/wireguard/$name.conf # by name it is an option
    down "$name"
  done
  state down
}

file_refused() {
  internet
  local name
  printf '[Interface]\nPrivateKey = {A}\n' | config wg0
  mkdir dir
  cp /etc/wireguard/wg0.conf sixteen-letters-.conf
  cp /etc/wireguard/wg0.conf plain
  cp /etc/wireguard/wg0.conf ö.conf
  cp /etc/wireguard/wg0.conf "a b.conf"
  cp /etc/wireguard/wg0.conf .conf
  for name in nosuch "" ./nosuch.conf sixteen-letters-.conf ./plain ./ö.conf "./a b.conf" ./.conf dir ./dir wg0.conf/ WG0 .. .; do
    up "$name"
    down "$name"
  done
  ln -s nowhere.conf loose.conf
  up ./loose.conf
  run
  run up
  run up wg0 wg0
  run sideways wg0
  run UP wg0
  state refused
}

file_strip() {
  printf '%s\n' " # before" "[interface]" "  Address = 10.1.0.1/24 # mine" $'PrivateKey =\t{A}\r' "PostUp = echo %i" "Nonsense" "" \
    $'\tListen Port = 1 # = 2  ' "Unknown = \\x" "saveconfig = TRUE" "[ Peer ]" "Address = not mine" "PublicKey = {b}" \
    "[Interface]" "mtu=1400" "FwMark = 7" "[Peer]" "DNS = 1" | config wg0
  printf 'Table = a\0b\nPublicKey\0 = {c}' >> /etc/wireguard/wg0.conf
  strip wg0
  : > /etc/wireguard/wg1.conf
  strip wg1
  strip ./../../../etc/wireguard/wg0.conf
  strip nosuch
  printf '[Interface]\nSaveConfig = perhaps\n' | config wg0
  strip wg0
}
