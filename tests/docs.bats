#!/usr/bin/env bats
# The manuals and the README say what is so: their commands run here as they stand, what they show as output is what comes
# out, and nothing that the program knows is missing.

setup() {
  load netns/lib
  load mesh/seed
  cd "$BATS_TEST_DIRNAME/.." || return
  : "${WGQ:=$PWD/${B:-build}/wgq}"
  export PATH=${WGQ%/*}:$PATH
}

teardown() {
  host_end_all
}

# block LANGUAGE SECTION N: the Nth block ```LANGUAGE under that heading of the README; without N all of them
block() {
  awk -v language="$1" -v heading="## $2" -v n="${3:-0}" '
    /^## / && !inside { here = $0 == heading; count = 0 }
    /^```/ && inside { inside = 0; next }
    /^```/ { inside = 1; wanted = here && substr($0, 4) == language && (++count == n || !n); next }
    inside && wanted' README.md
}

# literal PAGE SECTION N: the Nth display of a manual
literal() {
  awk -v heading=".Sh $2" -v n="$3" '
    /^\.Sh / { here = $0 == heading }
    /^\.Ed/ { wanted = 0 }
    wanted
    /^\.Bd/ { wanted = here && ++count[here] == n }' "$1"
}

# The same on a kernel with WireGuard and on one without: how the interface is made, and in whose words iptables complains.
normal() {
  sed -E "s|^\[#\] /[^ ]*wireguard-go |[#] ip link add dev |; /link add dev/s/( type wireguard)?$/ type wireguard/
    /^(iptables v|Try .iptables)/d"
}

same() { # EXPECTED ACTUAL
  diff -u <(normal <<< "$1") <(normal <<< "$2")
}

here_file() { # TEXT: is /etc/wireguard/wg0.conf
  (umask 077 && printf '%s\n' "$1" > /etc/wireguard/wg0.conf)
}

# --- what runs in a host -------------------------------------------------------------------------------------------

try_file_examples() {
  local n
  here_uplink eth0 192.0.2.2/24
  for n in 1 2 3; do
    here_file "$(literal man/wgq.conf.5 EXAMPLES "$n")"
    wgq -n up wg0 > /run/out 2> /run/err || return
    cat /run/out /run/err
    # the last one's endpoint has a name, and nobody to ask for it
    [ "$(grep -vc 'vpn.example.com:51820.*does not resolve' /run/err)" -eq 0 ] || return
  done
  grep -q 'fwmark 51820 table 51820' /run/out
}

try_command_examples() {
  local display
  mkdir /run/bin && printf '#!/bin/sh\necho "systemctl $*"\n' > /run/bin/systemctl && chmod +x /run/bin/systemctl
  fill < "$1" > /run/filled
  here_file "$(< /run/filled)"
  for display in 1 2; do bash -ec "$(literal man/wgq.8 EXAMPLES "$display")" || return; done
  wgq up wg0 && bash -ec "$(literal man/wgq.8 EXAMPLES 3)" && wgq down wg0 || return
  seed_mesh /run/work/mesh
  display=$(literal man/wgq.8 EXAMPLES 4)
  (cd /run/work && bash -ec "$display" && grep -q '^digraph' mesh.dot) || return
  [ "$(PATH=/run/bin:$PATH bash -ec "$(literal man/wgq.8 EXAMPLES 5)")" = "systemctl enable --now wgq@wg0" ]
}

switch() {
  fill < "$1" > /run/filled
  here_file "$(< /run/filled)"
  bash -ec "$2" || return
  wg show wg0 > /dev/null || return
  mount -t tmpfs none /usr/local/sbin && cp "$(type -P wgq)" /usr/local/sbin/wgq && bash -ec "$3" || return
  [ "$(PATH=/usr/local/sbin:$PATH type -P wg-quick)" = /usr/local/sbin/wg-quick ] || return
  PATH=/usr/local/sbin:$PATH wg-quick down wg0 || return
  ! wg show wg0 2> /dev/null
}

faulty() {
  here_file "$1"
  wgq up wg0
}

failing() {
  local before status
  here_file "$1"
  before=$(here_state)
  wgq up wg0
  status=$?
  # the kernel clears all.send_redirects for good when a WireGuard link comes up
  diff <(grep -v send_redirects <<< "$before") <(here_state | grep -v send_redirects) && return "$status"
}

export -f literal here_file try_file_examples try_command_examples switch faulty failing

# --- manuals --------------------------------------------------------------------------------------------------------

@test "manuals: mandoc finds nothing to say" {
  local said
  # whether other packages' manuals are installed is no matter of ours
  said=$(mandoc -T lint man/* 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db' || true)
  echo "$said"
  [ -z "$said" ]
}

@test "wgq.8: has every command and option of --help, and no other" {
  local word
  diff <("$WGQ" --help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort) <(sed -n 's/^\.It Cm \([a-z]*\).*/\1/p' man/wgq.8 | sort)
  diff <("$WGQ" --help | grep -oE -- '--[a-z-]+' | sort -u) <(sed -nE '/^\.It Fl/s/.* Fl (-[a-z-]+)( Ar .*| Cm .*)?$/-\1/p' man/wgq.8 | sort -u)
  for word in $("$WGQ" --help | grep -oE -- ' -[a-z]\b' | sort -u); do
    grep -qE "^\.It Fl ${word#-} ," man/wgq.8 || { echo "$word"; return 1; }
  done
}

@test "wgq.8: has every environment variable that is read, and every code of a finding" {
  local word
  diff <(grep -rhoE 'getenv\("[A-Z_]+"\)' wgq hooks | cut -d'"' -f2 | grep -vx PATH | sort -u) \
    <(sed -n 's/^\.It Ev //p' man/wgq.8 | sort)
  diff <(sed -nE 's/^\s*\[FINDING_[A-Z_]+\] = \{ "([a-z-]+)".*/\1/p' wgq/base/finding.c | sort) \
    <(sed -n 's/^\.It Li //p' man/wgq.8 | sort)
}

@test "wgq.conf.5: has every key that the program knows, in its section, and no other" {
  local known described
  known=$(sed -nE 's/^\t\{ "([A-Za-z]+)", (INTERFACE|PEER), (QUICK|WG|WGQ),.*/\3 \2 \1/p' wgq/conf/keys.c)
  [ "$(wc -l <<< "$known")" -ge 21 ]
  # in the table, with the section and who reads it
  described=$(awk -F'\t' '/^\.TE/ { exit } /fB\[/ { section = $0 ~ /Peer/ ? "PEER" : "INTERFACE" }
    NF == 5 && section { sub("wg-", "", $5); print toupper($5), section, $1 }' man/wgq.conf.5)
  diff <(sort <<< "$known") <(sort <<< "$described")
  # and in the text
  diff <(awk '{ print $3 }' <<< "$known" | sort) \
    <(sed -n '/^\.Sh KEYS/,/^\.Sh DEFAULT/s/^\.It Ic //p' man/wgq.conf.5 | sed 's/ , /\n/g' | sort)
}

@test "wgq.conf.5: the examples are right" {
  host_once try_file_examples
}

@test "wgq.8: the examples run" {
  printf '%s\n' '[Interface]' 'PrivateKey = {A}' 'Address = 10.9.0.1/24' '[Peer]' 'PublicKey = {b}' \
    'AllowedIPs = 10.9.0.2/32' > "$BATS_TEST_TMPDIR/conf"
  host_once try_command_examples "$BATS_TEST_TMPDIR/conf"
}

# --- README ---------------------------------------------------------------------------------------------------------

@test "README: the first tunnel, as it is written" {
  local host section='A first tunnel' text plan
  local -A private public
  host_new first second
  host_link first eth0 192.0.2.1/24 second eth0 192.0.2.2/24
  for host in first second; do
    public[$host]=$(host_run $host bash -ec "$(block sh "$section" 1)")
    private[$host]=$(host_run $host cat /etc/wireguard/wg0.key)
  done
  for host in first second; do
    text=$(block ini "$section" $((1 + (${#host} == 6))))
    for key in first second; do
      text=${text//"<private key of the $key host>"/"${private[$key]}"}
      text=${text//"<public key of the $key host>"/"${public[$key]}"}
    done
    host_run $host tee /etc/wireguard/wg0.conf <<< "$text" > /dev/null
    plan=$(host_run $host bash -ec "$(block sh "$section" 2)" 2> "$BATS_TEST_TMPDIR/steps")
    same "$plan" "$(< "$BATS_TEST_TMPDIR/steps")"
  done
  same "$(block text "$section" 1)" "$plan"
  host_run second bash -ec "$(block sh "$section" 3)"
  for host in first second; do
    host_run $host bash -ec "$(block sh "$section" 4)"
    [ -z "$(host_run $host wg show interfaces)" ]
    host_run $host bash -ec "$(block sh "$section" 5)"
  done
}

@test "README: the mesh, as it is seen" {
  local section='See the mesh' commands n
  cd "$BATS_TEST_TMPDIR" || return
  seed_mesh mesh
  cp "$BATS_TEST_DIRNAME/../README.md" .
  block text "$section" 4 > mesh.expect
  mapfile -t commands < <(block sh "$section")
  [ "${#commands[@]}" -eq 5 ]
  for n in 1 2 3; do
    same "$(block text "$section" $n)" "$(bash -ec "${commands[n - 1]}")"
  done
  same "$(block mermaid "$section" 1)" "$(bash -ec "${commands[3]}")"
  [ "$(bash -ec "${commands[4]}" | grep -c error:)" -eq 0 ]
}

@test "README: to and from wg-quick, and by its name" {
  printf '%s\n' '[Interface]' 'PrivateKey = {A}' 'Address = 10.9.0.2/24' '[Peer]' 'PublicKey = {b}' \
    'AllowedIPs = 0.0.0.0/0' > "$BATS_TEST_TMPDIR/conf"
  host_once switch "$BATS_TEST_TMPDIR/conf" "$(block sh 'Coming from wg-quick' 1)" "$(block sh 'Coming from wg-quick' 2)"
}

@test "README and wgq.8: what is said of a faulty file" {
  run host_once faulty "$(block ini 'When something is wrong' 1)"
  [ "$status" -eq 2 ]
  same "$(block text 'When something is wrong' 1)" "$output"
  same "$(literal man/wgq.8 DIAGNOSTICS 1 | sed 's/^\\&//; s/\\(ti/~/g; s/\\(ha/^/g')" "$output"
}

@test "README: what is said of a step that fails, and nothing is left" {
  run host_once failing "$(block ini 'When something is wrong' 2)"
  same "$(block text 'When something is wrong' 2)" "$output"
  [ "$status" -eq 1 ]
}

@test "README: install and uninstall" {
  local commands
  commands=$(block sh 'Building and installing' 2)
  bash -ec "${commands//\/tmp\/wgq-root/$BATS_TEST_TMPDIR/root}"
  [ -d "$BATS_TEST_TMPDIR/root/usr/sbin" ]
  [ -z "$(find "$BATS_TEST_TMPDIR/root" -type f)" ]
}

@test "README: every other command is known not to be run here" {
  local section
  diff - <(awk '/^```/ && inside { inside = 0; next } /^```sh$/ { inside = 1; next } inside' README.md |
    grep -vxFf <(for section in 'A first tunnel' 'Coming from wg-quick' 'See the mesh'; do block sh "$section"; done
      block sh 'Building and installing' 2)) << 'E'
sudo make deps demo
sudo make deps check
systemctl disable --now wg-quick@wg0
systemctl enable --now wgq@wg0
make
sudo make install
E
}

@test "README: its links, targets and folders are there, and no folder is missing" {
  local word
  for word in $(grep -oE '\]\([^)#:]+\)' README.md | tr -d '()]'); do [ -e "$word" ] || { echo "$word"; return 1; }; done
  [ -z "$(comm -23 <(grep -oE '(`|^)(sudo )?make [a-z-]+' README.md | sed 's/.* //' | sort -u) \
    <(sed -n 's/^\.PHONY: //p' Makefile | tr ' ' '\n' | sort))" ]
  diff <(printf '%s\n' */ wgq/*/ | grep -vx build/ | sort) \
    <(sed -n '/^## The tree/,/^## Limits/s/^| .\([a-z/]*\/\). .*/\1/p' README.md | sort)
  diff <(cd tests && printf '%s\n' */ | sort) <(sed -n '/^| .tests/p' README.md | cut -d'|' -f3 | grep -oE '[a-z]+/' | sort)
}
