# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# PreUp, PostUp, PreDown, PostDown. `log` in the working directory is what the comparison reads.

hooked() { # LINE...
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24" "$@" "[Peer]" "PublicKey = {b}" \
    "AllowedIPs = 10.2.0.0/16" | config wg0
}

hook_order() {
  internet
  hooked "PostDown = echo post-down 1 %i >> log" "PreUp = echo pre-up 1 %i >> log" "PostUp = echo post-up 1 %i >> log" \
    "PreDown = echo pre-down 1 %i >> log" "PreUp = echo pre-up 2 x%i-%i >> log" "PostUp = echo post-up 2 >> log" \
    "DNS = 10.1.0.53" "PreDown = echo pre-down 2 >> log" "PostDown = echo post-down 2 >> log"
  cycle
}

hook_surroundings() {
  internet
  # shellcheck disable=SC2016  # the hooks' variables
  hooked 'PostUp = echo "LC_ALL=$LC_ALL $PWD $INTERFACE $CONFIG_FILE"' 'PostUp = [[ -o errexit && -o pipefail ]]' \
    'PostUp = shopt -q extglob && echo extglob' 'PostUp = cat' 'PostUp = type -P resolvconf' \
    'PreDown = x=1; cd /; trap "echo trapped" EXIT' 'PreDown = echo "[$x] $PWD"' 'PreDown = exit 0; echo not here'
  echo "standard input" > in
  up wg0 < in
  down wg0 < /dev/null
}

hook_bash() {
  internet
  # shellcheck disable=SC2016  # the hooks' variables
  hooked 'PostUp = wg set %i private-key <(echo {B}) && echo set' 'PostUp = [[ wg0 == wg* ]] && a=(1 2 3) && echo ${a[2]}' \
    'PostUp = cat <<< "$((6 * 7))"; false || true' 'PostUp = for i in {1..3}; do echo $i; done | tac'
  cycle
}

hook_firewall_recipe() {
  internet
  # shellcheck disable=SC2016  # the hooks' variables
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24" \
    'PostUp = iptables -I OUTPUT ! -o %i -m mark ! --mark $(wg show %i fwmark) -m addrtype ! --dst-type LOCAL -j REJECT' \
    'PreDown = iptables -D OUTPUT ! -o %i -m mark ! --mark $(wg show %i fwmark) -m addrtype ! --dst-type LOCAL -j REJECT' \
    "[Peer]" "PublicKey = {b}" "AllowedIPs = 0.0.0.0/0" | config wg0
  cycle
}

hook_background() { # nobody waits for it
  internet
  hooked "PostUp = sleep 1000 > /dev/null 2>&1 & echo started"
  cycle
}

hook_empty() {
  internet
  hooked "PostUp =" "PostUp = " "PreDown ="
  cycle
}

hook_comment() { # wg-quick's newest leaves `#` to the shell
  internet
  hooked "PostUp = echo one two # three" "PostUp = echo four# five" "# PostUp = echo six" "PreDown = echo 'seven'#eight"
  cycle
  expect << 'EOF'
< four
> four# five
< seven
> seven#eight
EOF
}

hook_quoted_hash() { # Debian's cuts there and then misses the quote
  internet
  hooked 'PostUp = echo "a # b" \# c'
  if debian; then hooked 'PostUp = echo "a" '; fi
  cycle
  expect << 'EOF'
< a
> a # b # c
EOF
}

hook_of_equal_signs() {
  internet
  # shellcheck disable=SC2016  # the hook's variable
  hooked 'PostUp = a=b; echo "$a=c = d"' 'PostUp=echo tight' '  postUP   =   echo loose   '
  cycle
}

hook_sees() { # PreUp and PostDown: is there an interface? Debian's has none yet in PreUp
  internet
  hooked "PreUp = ip -br link show %i | cut -c 1-3 || true" "PostUp = ip -br -4 address show dev %i" \
    "PostUp = ip route get 10.2.0.1" "PreDown = ip -br -4 address show dev %i" "PostDown = ip link show %i || echo gone"
  cycle
  expect << 'EOF'
> wg0
EOF
}

hook_order_of_creation() { # PreUp comes before keys and addresses, after the interface
  internet
  hooked "PreUp = wg show %i private-key; ip -br address show dev %i; true"
  if debian; then hooked; fi
  cycle
  expect << 'EOF'
> (none)
> wg0              DOWN           
EOF
}

# PreUp may give the interface what the file does not; the newest adds the file's to that, Debian's has no interface yet.
preup_mark() {
  internet
  local allowed="0.0.0.0/0, ::/0"
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24" \
    "$(debian && echo "FwMark = 0x99" || echo "PreUp = wg set %i fwmark 0x99")" \
    "[Peer]" "PublicKey = {b}" "AllowedIPs = $allowed" | config wg0
  cycle
}

preup_peer() {
  internet
  local other=10.3.0.0/16,10.2.1.0/24
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24" \
    "$(debian || echo "PreUp = wg set %i peer {c} allowed-ips $other endpoint 198.51.100.9:9")" \
    "$(debian && printf '%s\n' "[Peer]" "PublicKey = {c}" "AllowedIPs = $other" "Endpoint = 198.51.100.9:9")" \
    "[Peer]" "PublicKey = {b}" "AllowedIPs = 10.2.0.0/16" | config wg0
  cycle
}

preup_key_port_address() {
  internet
  if debian; then
    printf '%s\n' "[Interface]" "PrivateKey = {B}" "ListenPort = 777" "Address = 10.3.0.1/24, 10.1.0.1/24" | config wg0
  else
    printf '%s\n' "[Interface]" "PreUp = wg set %i private-key <(echo {B}) listen-port 777" \
      "PreUp = ip address add 10.3.0.1/24 dev %i" "Address = 10.1.0.1/24" | config wg0
  fi
  cat >> /etc/wireguard/wg0.conf < <(printf '%s\n' "[Peer]" "PublicKey = {c}" "AllowedIPs = 0.0.0.0/0" | fill)
  cycle
}

preup_file_wins() {
  internet
  if debian; then
    hooked
  else
    hooked "PreUp = wg set %i private-key <(echo {C}) fwmark 5 peer {b} allowed-ips 10.9.0.0/16; wg set %i fwmark 0"
  fi
  cycle
}

preup_fails() {
  internet
  hooked "PreUp = echo pre-up" "PreUp = exit 7" "PreUp = echo not reached" "PostDown = echo not run"
  up wg0
  state undone
}

# A failed up puts back the sysctl that it set; Debian's does not.
postup_fails() {
  internet
  printf '%s\n' "[Interface]" "PrivateKey = {A}" "Address = 10.1.0.1/24, fd00::1/64" "DNS = 10.1.0.53" \
    "PostUp = echo post-up; false; echo not reached" "PostUp = echo not reached" "PreDown = echo not run" \
    "PostDown = echo not run" "[Peer]" "PublicKey = {b}" "AllowedIPs = 0.0.0.0/0, ::/0, 10.2.0.0/16" | config wg0
  up wg0
  state undone
  expect << 'EOF'
< undone: sysctl net/ipv4/conf/all/src_valid_mark:1
> undone: sysctl net/ipv4/conf/all/src_valid_mark:0
EOF
}

hook_pipe_fails() {
  internet
  hooked "PostUp = false | true"
  up wg0
  state undone
}

hook_syntax_error() {
  internet
  hooked 'PostUp = echo "unfinished'
  up wg0
  hooked 'PostUp = if; then'
  up wg0
  state undone
}

predown_fails() { # it stays up
  internet
  hooked "PreDown = echo pre-down; test -e allowed" "PreDown = echo second" "PostDown = echo post-down"
  up wg0
  down wg0
  state up
  touch allowed
  down wg0
  state down
}

postdown_fails() { # it is down nevertheless, and the rest of the hooks does not run
  internet
  hooked "DNS = 10.1.0.53" "PostDown = false" "PostDown = echo not reached"
  cycle
}
