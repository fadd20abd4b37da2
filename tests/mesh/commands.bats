#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# wgq check, trace and map as commands: what they print in each form, where it goes, exit statuses.

bats_require_minimum_version 1.5.0

setup() {
  load seed
  : "${WGQ:=$BATS_TEST_DIRNAME/../../build/wgq}"
  cd "$BATS_TEST_TMPDIR" || return
}

# is EXPECTED COMMAND...: standard output is that, and the exit status 0
is() {
  local said
  said=$("${@:2}") || { echo "exit status $?: ${*:2}"; echo "$said"; return 1; }
  diff -u <(printf '%s\n' "$1") <(printf '%s\n' "$said")
}

# Files of made-up hosts: keys first, then an interface and its peers.
declare -gA private public
keys() { # NAME...
  local name
  for name in "$@"; do
    private[$name]=$(wg genkey)
    public[$name]=$(wg pubkey <<< "${private[$name]}")
  done
}

interface() { # NAME ADDRESS [LINE...]
  printf '[Interface]\nPrivateKey = %s\nAddress = %s\n' "${private[$1]}" "$2"
  (($# < 3)) || printf '%s\n' "${@:3}"
}

peer() { # NAME ALLOWEDIPS [LINE...]
  printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "${public[$1]}" "$2"
  (($# < 3)) || printf '%s\n' "${@:3}"
}

# A - B - C by hand: two networks, and B with an interface in each. $1: what C knows of A's network.
chain() {
  keys a b0 b1 c
  mkdir -p chain/A chain/B chain/C
  { interface a 10.1.0.1/24 'Table = off' 'PostUp = ip route add 10.2.0.0/24 via 10.1.0.2'
    peer b0 0.0.0.0/0 'Endpoint = 192.0.2.2:22222'; } > chain/A/wg0-client.conf
  { interface b0 10.1.0.2/24 'Table = off' 'ListenPort = 22222' '# Forwards = yes'
    peer a 0.0.0.0/0 'Endpoint = 192.0.2.1:11111'; } > chain/B/wg0-server.conf
  { interface b1 10.2.0.1/24 'Table = off' 'ListenPort = 23333' '# Forwards = yes'
    peer c 0.0.0.0/0 'Endpoint = 192.0.2.3:33333'; } > chain/B/wg1-client.conf
  { interface c 10.2.0.2/24 'Table = off' 'ListenPort = 33333' ${1:+"$1"}
    peer b1 0.0.0.0/0 'Endpoint = 192.0.2.2:23333'; } > chain/C/wg0-server.conf
}

# A hub that forwards and three others: one that the hub does not have, two that cannot call each other.
troubled() {
  keys hub one two lost
  mkdir -p mesh
  { interface hub 10.0.0.1/24 '# Name = hub' 'ListenPort = 51820' 'Forward = yes'
    peer one 10.0.0.2/32; peer two 10.0.0.3/32; } > mesh/hub.conf
  { interface one 10.0.0.2/24
    peer hub 10.0.0.0/24 'Endpoint = hub.example.com:51820'; peer two 10.0.0.3/32; } > mesh/one.conf
  { interface two 10.0.0.3/24
    peer hub 10.0.0.0/24 'Endpoint = hub.example.com:51820'; peer one 10.0.0.2/32; } > mesh/two.conf
  { interface lost 10.0.0.4/24
    peer hub 10.0.0.0/24 'Endpoint = hub.example.com:51821'; } > mesh/lost.conf
}

# --- the mesh of five ------------------------------------------------------------------------------------------------

@test "check: of the mesh of five only its PostDown is to be said; a mesh without faults prints nothing" {
  seed_mesh mesh
  run "$WGQ" check mesh
  [ "$status" -eq 0 ]
  [[ $output == *"[forwarding-clobber]"*$'\n'"5 nodes, 20 pairs, 20 reachable; 0 errors, 1 warning" ]]
  [ "$(grep -c '\[' <<< "$output")" -eq 1 ]
  sed -i '/^PostDown/s/sysctl[^;]*;//' mesh/C.conf
  is "" "$WGQ" check mesh
  is "" "$WGQ" check mesh/A.conf mesh/[BCDE].conf
  is "5 nodes, 20 pairs, 20 reachable; 0 errors, 0 warnings" "$WGQ" -v check mesh
}

@test "check --matrix: who is direct, who goes through the relay" {
  seed_mesh mesh
  sed -i '/^PostDown/s/sysctl[^;]*;//' mesh/C.conf
  is 'from \ to A B C D E
A         . o o > >
B         o . o > >
C         o o . o o
D         > > o . o
E         > > o o .
o direct   > through others   x does not arrive' "$WGQ" check --matrix mesh
}

@test "map --format dot: the mesh of five" {
  seed_mesh mesh
  "$WGQ" map --format dot mesh > out.dot
  # attributes that hold for all are a matter of taste
  is 'digraph mesh {
  subgraph cluster_0 {
    label="one site";
    n3 [label="D\n10.0.0.3\n:51820"];
    n4 [label="E\n10.0.0.4\n:51821"];
  }
  n0 [label="A\n10.0.0.1\n:51820"];
  n1 [label="B\n10.0.0.2\n:51820"];
  n2 [label="C\n10.0.0.100\n:51820", shape=hexagon, style=filled, fillcolor="#ffe2a8", color="#9a6a00"];
  n0 -> n2 [dir=forward];
  n0 -> n1 [dir=both, constraint=false];
  n1 -> n2 [dir=forward];
  n2 -> n3 [dir=back];
  n2 -> n4 [dir=back];
  n3 -> n4 [dir=both, constraint=false];
}' grep -vE '^  (graph|node|edge) ' out.dot
}

@test "json: of the shape that is promised" {
  seed_mesh mesh
  "$WGQ" check --json mesh > out.json
  is '["findings","nodes","reachability","summary","version"]' jq -c keys out.json
  is '{"errors":0,"warnings":1,"notes":0,"nodes":5,"pairs":20,"reachable":20}' jq -c .summary out.json
  is '{"code":"forwarding-clobber","severity":"warning","file":"mesh/C.conf","line":12,"column":12,"related":[]}' \
    jq -c '.findings[] | del(.message, .help)' out.json
  jq -e '.version == 1 and (.findings[0] | .message + .help | length) > 10' out.json
  is '["A",[["A","mesh/A.conf"]]]' jq -c '.nodes[0] | [.name, [.interfaces[] | [.name, .file]]]' out.json
  [ "$(jq -r '.nodes[2].interfaces[0].public_key' out.json)" = \
    "$(sed -n 's/^PrivateKey = //p' mesh/C.conf | wg pubkey)" ]
  is '{"from":"A","to":"D","ok":true,"path":["A","C","D"]}' jq -c '.reachability[2]' out.json
  is 20 jq '.reachability | length' out.json
  "$WGQ" trace --json mesh D A > out.json
  is '{"from":"D","to":"A","source":"10.0.0.3","target":"10.0.0.1","ok":true,"path":["D","C","A"]}' \
    jq -c '.ways[0] | del(.steps)' out.json
  is '{"what":"C takes it from D","file":"mesh/C.conf","line":35,"column":14,"rule":"AllowedIPs = 10.0.0.3/32"}' \
    jq -c '.ways[0].steps[1]' out.json
  "$WGQ" map --json mesh > out.json
  is '["links","nodes","reachability","sites","summary","version"]' jq -c keys out.json
  is '[["A",false,null],["B",false,null],["C",true,null],["D",false,0],["E",false,0]]' \
    jq -c '[.nodes[] | [.name, .relay, .site]]' out.json
}

@test "trace: a packet and its answer, by names and by addresses" {
  seed_mesh mesh
  is "$("$WGQ" trace mesh A D)" "$WGQ" trace mesh/*.conf 10.0.0.1 10.0.0.3
  [ "$("$WGQ" trace mesh A D | grep -c '  it arrives')" -eq 2 ]
  is "" "$WGQ" -q trace mesh A D
  is "E (10.0.0.4) to D (10.0.0.3):
  E sends it to D    mesh/E.conf:23:14: AllowedIPs = 10.0.0.3/32
  D takes it from E  mesh/D.conf:23:14: AllowedIPs = 10.0.0.4/32
  it arrives
D (10.0.0.3) to E (10.0.0.4):
  D sends it to E    mesh/D.conf:23:14: AllowedIPs = 10.0.0.4/32
  E takes it from D  mesh/E.conf:23:14: AllowedIPs = 10.0.0.3/32
  it arrives" "$WGQ" trace mesh E D
}

# --- faults ----------------------------------------------------------------------------------------------------------

@test "check: D and E of one home on one port are found; where the files say that it is one home, with status 1" {
  seed_mesh mesh
  sed -i 's/51821/51820/' mesh/*.conf
  run -0 "$WGQ" check mesh
  [[ $output == *"warning: "*"[nat-port-clash]"* ]]
  sed -i 's/^ListenPort/# Site = home\n&/' mesh/[DE].conf
  run -1 "$WGQ" check mesh
  [[ $output == *"error: "*"[nat-port-clash]"*" 1 error,"* ]]
  run -1 "$WGQ" check --json mesh
  jq -e '.findings | any(.code == "nat-port-clash" and .severity == "error" and (.related | length) > 0)' <<< "$output"
}

@test "trace: the relay's filter, and the node where a packet dies" {
  seed_mesh mesh
  sed -i 's|^AllowedIPs = 10.0.0.3/32|AllowedIPs = 10.0.0.33/32|' mesh/C.conf
  run "$WGQ" trace mesh A D
  [ "$status" -eq 1 ]
  [ "$output" = "A (10.0.0.1) to D (10.0.0.3):
  A sends it to C    mesh/A.conf:13:14: AllowedIPs = 10.0.0.0/16
  C takes it from A  mesh/C.conf:25:14: AllowedIPs = 10.0.0.1/32
  C has no peer whose AllowedIPs hold 10.0.0.3 [no-route]
D (10.0.0.3) to A (10.0.0.1):
  D sends it to C  mesh/D.conf:13:14: AllowedIPs = 10.0.0.0/16
  C drops it: from D it takes no packet of 10.0.0.3 [source-filtered]" ]
  run -1 "$WGQ" -q trace mesh A D
  [ -z "$output" ]
  run -1 "$WGQ" trace --json mesh A D
  [ "$(jq -c '.ways[] | [.ok, .path, .code, .at]' <<< "$output")" = '[false,["A","C"],"no-route","C"]
[false,["D","C"],"source-filtered","C"]' ]
}

@test "the chain by hand: with its route it works, without it the answer is lost" {
  chain 'PostUp = ip route add 10.1.0.0/24 via 10.2.0.1'
  "$WGQ" check chain
  run -0 "$WGQ" trace chain A C
  [[ $output == *"A sends it to B "*"B passes it to C "*"  it arrives"*"C sends it to B "*"  it arrives" ]]
  chain
  run -1 "$WGQ" check chain
  [[ $output == *"[no-route]"* ]]
  run -1 "$WGQ" trace chain A C
  [[ $output == *"  it arrives"*"[no-route]" ]]
}

@test "map: what does not work is seen" {
  troubled
  is '4 nodes, 4 links, 4 of 12 pairs reachable

hub   10.0.0.1  at hub.example.com:51820, hub.example.com:51821
   direct: one, two
   not: lost (no-route at hub)
lost  10.0.0.4
   not: hub (one-sided-peer at lost), one (one-sided-peer at lost), two (one-sided-peer at lost)
one   10.0.0.2
   direct: hub
   not: lost (no-route at hub), two (no-initiator at one)
two   10.0.0.3
   direct: hub
   not: lost (no-route at hub), one (no-initiator at two)

no link lost - hub: hub does not have lost as a peer
no link one - two: neither has an Endpoint for the other

from \ to  hub lost  one  two
hub          .    x    o    o
lost         x    .    x    x
one          o    x    .    x
two          o    x    x    .
o direct   > through others   x does not arrive' "$WGQ" map mesh
  "$WGQ" map --format dot mesh > out.dot
  grep -qE '^  n1 -> n0 \[dir=forward, style=dashed, color="#b3261e", headlabel=":51821"\];$' out.dot
  grep -qE '^  n2 -> n3 \[dir=none, color="#b3261e", label="no Endpoint", fontcolor="#b3261e"\];$' out.dot
  "$WGQ" map --format mermaid mesh > out.mermaid
  grep -qxF '  n1 -.->|"one-sided"| n0' out.mermaid
  grep -qxF '  n2 ---|"no Endpoint"| n3' out.mermaid
  grep -qxF '  linkStyle 2,3 stroke:#b3261e,color:#b3261e' out.mermaid
}

@test "files with syntax errors: check says them, the others too and go on; an unreadable one is status 2" {
  seed_mesh mesh
  echo 'Nonsense' >> mesh/A.conf
  run -1 "$WGQ" check mesh
  [[ $output == *"mesh/A.conf:"*"error:"* ]]
  "$WGQ" map mesh > out 2> err
  grep -q '20 of 20' out
  grep -q 'mesh/A.conf:.*error:' err
  for command in 'check nowhere.conf' 'map nowhere.conf' 'trace nowhere.conf A B' 'check --expect nowhere mesh'; do
    # shellcheck disable=SC2086  # words
    run -2 "$WGQ" $command
  done
}

# --- expectations ----------------------------------------------------------------------------------------------------

@test "expectations: what holds is silent" {
  seed_mesh mesh
  sed -i '/^PostDown/s/sysctl[^;]*;//' mesh/C.conf
  cat > expect << 'X'
# of the mesh of five

reach D A via C # by the relay
  reach A 10.0.0.4
direct	D E
deny A 10.0.7.7
X
  printf 'reach "E" "B" via "C"\r\ndirect A C' >> expect
  is "" "$WGQ" check --expect expect mesh
}

@test "expectations: what does not hold is an error of its own place, with the way of the packet" {
  seed_mesh mesh
  sed -i '/^PostDown/s/sysctl[^;]*;//' mesh/C.conf
  printf '%s\n' 'direct A D' 'deny E B' '  reach A B via C' 'reach A 10.0.7.7' > expect
  run -1 "$WGQ" check --expect expect mesh
  [ "$(grep -E '^expect:|reachable' <<< "$output")" = 'expect:1:1: error: A is not direct with D: A > C > D [bad-value]
expect:2:1: error: E reaches B: E > C > B [bad-value]
expect:3:3: error: A reaches B, but not via C: A > B [bad-value]
expect:4:1: error: A does not reach 10.0.7.7: A > C [no-route]
5 nodes, 20 pairs, 20 reachable; 4 errors, 0 warnings' ]
  [[ $output == *'
mesh/A.conf:13:14: note: A sends it to C
   13 | AllowedIPs = 10.0.0.0/16
      |              ^~~~~~~~~~~
'* ]]
  run -1 "$WGQ" check --json --expect expect mesh
  [ "$(jq -c '.findings[3] | [.code, .line, .related[-1].message]' <<< "$output")" = \
    '["no-route",4,"C has no peer whose AllowedIPs hold 10.0.7.7 [no-route]"]' ]
}

@test "expectations: what means nothing is a syntax error with its place" {
  seed_mesh mesh
  sed -i '/^PostDown/s/sysctl[^;]*;//' mesh/C.conf
  printf '%s\n' 'reaches A B' 'reach A' 'reach A F' 'reach F A' 'reach A B over C' 'deny A B via C' 'reach A B via F' \
    'reach "A B' 'reach A B via' 'reach A A' 'reach 10.9.9.9 A' 'reach A B via C D' > expect
  run -1 "$WGQ" check --expect expect mesh
  [ "$(grep -E '^expect:' <<< "$output" | sed 's/error:.*\[/[/')" = 'expect:1:1: [syntax]
expect:2:1: [syntax]
expect:3:9: [syntax]
expect:4:7: [syntax]
expect:5:11: [syntax]
expect:6:10: [syntax]
expect:7:15: [syntax]
expect:8:1: [syntax]
expect:9:11: [syntax]
expect:10:9: [syntax]
expect:11:7: [syntax]
expect:12:11: [syntax]' ]
}

# --- names, secrets, rights --------------------------------------------------------------------------------------------

@test "hostile names come out harmless in every format" {
  local name=$'"]; <script>alert(1)<br> & \\N `x` #quot; \\"'
  keys x y
  mkdir -p "mesh/$name" $'mesh/\e[31mred\u202e'
  { interface x 10.0.0.1/24 '# Site = "home" <b> \l'; peer y 10.0.0.2/32 'Endpoint = 192.0.2.2:5000'; } > "mesh/$name/wg0.conf"
  { interface y 10.0.0.2/24 'ListenPort = 5000'; peer x 10.0.0.1/32; } > $'mesh/\e[31mred\u202e/wg0.conf'
  echo "direct 10.0.0.1 10.0.0.2" > expect
  echo "deny 10.0.0.1 10.0.0.2" >> expect
  "$WGQ" map mesh > out.text
  "$WGQ" map --format dot mesh > out.dot
  "$WGQ" map --format mermaid mesh > out.mermaid
  "$WGQ" map --json mesh > out.map.json
  "$WGQ" trace mesh 10.0.0.1 10.0.0.2 > out.trace
  "$WGQ" trace --json mesh 10.0.0.1 10.0.0.2 > out.trace.json
  "$WGQ" check -v --matrix --expect expect mesh > out.check || [ $? -eq 1 ]
  "$WGQ" check --json --expect expect mesh > out.check.json || [ $? -eq 1 ]
  # nothing that a terminal acts on, and nothing invisible
  for file in out.*; do
    [ -s "$file" ]
    ! LC_ALL=C grep -l $'[\x01-\x09\x0b-\x1f\x7f]' "$file" || return 1
    ! grep -l $'\u202e' "$file" || return 1
  done
  jq -e . out.map.json out.trace.json out.check.json > /dev/null
  grep -qxF '  n0 [label="\\x1b[31mred\\xe2\\x80\\xae\n10.0.0.2\n:5000"];' out.dot
  # shellcheck disable=SC2016  # that is the name
  grep -qF 'label="\"]; <script>alert(1)<br> &amp; \\N `x` #quot; \\\"\n10.0.0.1"' out.dot
  grep -qF 'label="\"home\" <b> \\l"' out.dot
  grep -qxF '  n0["#92;x1b#91;31mred#92;xe2#92;x80#92;xae<br/>10.0.0.2<br/>:5000"]' out.mermaid
  grep -qF '["#34;#93;#59; #60;script#62;alert#40;1#41;#60;br#62; #38; #92;N #96;x#96; #35;quot#59; #92;#34;<br/>10.0.0.1"]' out.mermaid
  [ "$(jq -r '.nodes[0].name' out.map.json)" = '\x1b[31mred\xe2\x80\xae' ]
}

@test "no private and no preshared key in any output of any format" {
  local psk key
  troubled
  psk=$(wg genpsk)
  sed -i "0,/^\[Peer\]/s|^\[Peer\]|&\nPresharedKey = $psk|" mesh/hub.conf mesh/two.conf
  printf 'PrivateKey %s\nPresharedKey = %s=\n' "${private[lost]}" "$psk" >> mesh/lost.conf
  printf '# Name = x\nPriwateKey = %s\n' "${private[two]}" >> mesh/two.conf
  echo 'reach lost one' > expect
  {
    "$WGQ" check -v --matrix --expect expect mesh || true
    "$WGQ" check --json --expect expect mesh || true
    for command in "map mesh" "map --json mesh" "map --format dot mesh" "map --format mermaid mesh" \
      "trace mesh lost one" "trace mesh 10.0.0.2 two" "trace --json mesh two hub"; do
      # shellcheck disable=SC2086  # words
      "$WGQ" -v $command || true
    done
  } > all 2>&1
  [ "$(wc -l < all)" -gt 100 ]
  for key in "${private[@]}" "$psk"; do
    ! grep -qF "${key:0:20}" all || { echo "$key"; return 1; }
  done
}

@test "nobody needs to be root for files" {
  local folder
  folder=$(mktemp -d -p /tmp) # the one of this test has root's folders above
  seed_mesh "$folder/mesh"
  cp "$WGQ" "$folder/wgq"
  chmod 755 "$folder"
  chmod 644 "$folder"/mesh/*.conf
  nobody() { (cd "$folder" && setpriv --reuid=65534 --regid=65534 --clear-groups "$@"); }
  nobody ./wgq check mesh > out.check
  nobody ./wgq trace mesh A D > out.trace
  nobody ./wgq map mesh > out.map
  rm -r "$folder"
  [ -s out.check ] && [ -s out.trace ] && [ -s out.map ]
}

@test "of files: no socket is opened and no program is started" {
  seed_mesh mesh
  sed -i 's/203.0.113.100/relay.example.com/' mesh/*.conf
  for command in "check mesh" "trace mesh A D" "map mesh"; do
    # shellcheck disable=SC2086  # words
    # a leak checker cannot work under strace
    ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=network,process -o calls "$WGQ" $command > /dev/null
    ! grep -E '^[0-9]+ +(socket|connect|clone|fork|vfork)\(' calls || return 1
    [ "$(grep -c 'execve(' calls)" -eq 1 ]
  done
}

# --- this host -------------------------------------------------------------------------------------------------------

# What a healthy file, and then one fault after the other, make check say in a fresh host.
look_at_host() {
  local file=/etc/wireguard/wg0.conf
  "$WGQ" check || return
  printf '%s\n' '[Interface]' 'PrivateKey = {A}' 'Address = 10.0.0.1/24' 'ListenPort = 51820' 'Forward = yes' '[Peer]' \
    'PublicKey = {b}' 'AllowedIPs = 10.0.0.2/32' | here_conf wg0
  for words in '' wg0 '--json wg0' wg1; do
    echo "= check${words:+ $words}"
    # shellcheck disable=SC2086  # words
    "$WGQ" check $words
    echo "= $?"
  done
  echo "= readable" && chmod 755 /etc/wireguard && chmod 644 $file && "$WGQ" check wg0
  echo "= writable" && chmod 646 $file && ! "$WGQ" check wg0 || return
  chmod 600 $file
  echo "= two files" && cp $file /etc/wireguard/wg1.conf && touch /etc/wireguard/too-long-for-an-interface.conf
  "$WGQ" check && rm /etc/wireguard/wg1.conf
  echo "= faulty" && sed -i 's/ListenPort/ListenPrt/' $file && ! "$WGQ" check || return
  sed -i 's/ListenPrt/ListenPort/' $file
  echo "= up" && "$WGQ" -q up wg0 && "$WGQ" check
  echo "= blocked" && nft 'add table inet x; add chain inet x f { type filter hook forward priority 0; policy drop; }'
  "$WGQ" check wg0
  echo "= status $?"
}

@test "check of this host: its files, their rights and ports, and its firewall" {
  load ../netns/lib
  export WGQ
  export -f look_at_host
  run -0 host_once look_at_host
  [ "$(grep -E '^=|: (warning|error):' <<< "$output" | sed -E 's/: (warning|error):.*(\[.*\])$/ \1 \2/')" = "= check
= 0
= check wg0
= 0
= check --json wg0
= 0
= check wg1
= 2
= readable
/etc/wireguard/wg0.conf warning [file-permissions]
= writable
/etc/wireguard/wg0.conf error [file-permissions]
= two files
/etc/wireguard/wg0.conf:4:14 warning [port-shared]
/etc/wireguard/wg1.conf:4:14 warning [port-shared]
= faulty
/etc/wireguard/wg0.conf:4:1 error [unknown-key]
= up
= blocked
/etc/wireguard/wg0.conf:5:11 warning [forward-blocked]
/etc/wireguard/wg0.conf:5:11 warning [forward-blocked]
/etc/wireguard/wg0.conf:5:11 warning [forward-blocked]
= status 0" ]
  jq -e '.version == 1 and .findings == [] and .nodes == []' <<< "$(sed -n '/^{/,/^}/p' <<< "$output")"
}

# --- the command line --------------------------------------------------------------------------------------------------

@test "options that mean nothing to a command, and words that are missing, are usage errors" {
  seed_mesh mesh
  for words in 'map --matrix mesh' 'trace --expect x mesh A B' 'check --format dot mesh' 'up --json wg0' '-n map mesh' \
    'map' 'trace mesh A' 'trace mesh A B C' 'map --format png mesh' 'check mesh wg0' 'trace mesh A F' 'trace mesh A A' \
    'trace mesh 10.9.9.9 A' 'map --format'; do
    # shellcheck disable=SC2086  # words
    run -2 "$WGQ" $words
    [ -n "$output" ]
  done
}

@test "standard output that cannot be written is a failure" {
  seed_mesh mesh
  for command in 'map mesh' 'map --json mesh' 'check --json mesh' 'trace mesh A D' 'trace --json mesh A D'; do
    # shellcheck disable=SC2086  # words
    run -1 bash -c '"$@" > /dev/full' _ "$WGQ" $command
    [[ $output == *"cannot write"* ]]
  done
}

@test "more than 64 nodes: counts are exact, failing pairs are listed, no table" {
  local i
  keys hub
  mkdir mesh
  interface hub 10.0.0.1/24 'ListenPort = 51820' 'Forward = yes' > mesh/hub.conf
  for i in {2..70}; do
    keys "n$i"
    peer "n$i" "10.0.0.$i/32" >> mesh/hub.conf
    { interface "n$i" "10.0.0.$i/24"; peer hub 10.0.0.0/24 'Endpoint = 192.0.2.1:51820'; } > "mesh/n$i.conf"
  done
  is "" "$WGQ" check mesh
  is '70 nodes are too many for a table of pairs; the limit is 64' "$WGQ" check --matrix mesh
  is '70 nodes, 69 links, 4830 of 4830 pairs reachable
relay hub: 69 links' "$WGQ" map mesh
  is '[true,0,4830,4830]' jq -c '[.truncated, (.reachability | length), .summary.pairs, .summary.reachable]' \
    <("$WGQ" check --json mesh)
  sed -i '/^Forward/d' mesh/hub.conf
  run -1 "$WGQ" check --json mesh
  [ "$(jq -c '[.truncated, (.reachability | length), .summary.pairs, .summary.reachable]' <<< "$output")" = \
    '[true,1000,4830,138]' ]
  jq -e '.reachability | all(.ok == false and .code == "relay-not-forwarding" and .at == "hub")' <<< "$output"
  run -0 "$WGQ" map mesh
  [ "${lines[0]}" = '70 nodes, 69 links, 138 of 4830 pairs reachable' ]
  [ "${lines[-1]}" = 'and 4682 more pairs' ]
}
