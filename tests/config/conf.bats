#!/usr/bin/env bats
# The configuration layer against what is recorded, and against wg-quick, wg and ip themselves.
bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
  cd "$BATS_TEST_DIRNAME" || return
  driver=../../${B:-build}/tests/config-driver
  [[ ${B:-} == /* ]] && driver=$B/tests/config-driver
  driver=$(realpath "$driver")
  export driver stripped=$BATS_FILE_TMPDIR/stripped
  mkdir "$stripped"
  # what wg-quick's own strip makes of each; NAME.no where it refuses
  for file in *.in; do
    cp "$file" "$BATS_FILE_TMPDIR/wgt.conf"
    if ! wg-quick strip "$BATS_FILE_TMPDIR/wgt.conf" > "$stripped/${file%.in}" 2> /dev/null; then
      mv "$stripped/${file%.in}" "$stripped/${file%.in}.no"
    fi
  done
}

setup() {
  cd "$BATS_TEST_DIRNAME" || return
}

# expected NAME: is this difference from stock an explained one?
expected() {
  grep -q "^$1 " differs
}

@test "every file prints, or is complained about, exactly as recorded" {
  run ./run
  assert_output ''
  assert_success
}

@test "there are at least 80 recorded files" {
  files=(*.in)
  ((${#files[@]} >= 80))
}

@test "the printed form reads back as itself" {
  local bad=0
  for file in *.ok; do
    "$driver" secrets "${file%.ok}.in" > "$BATS_TEST_TMPDIR/once" 2> /dev/null
    "$driver" secrets "$BATS_TEST_TMPDIR/once" > "$BATS_TEST_TMPDIR/twice" 2> /dev/null
    cmp "$BATS_TEST_TMPDIR/once" "$BATS_TEST_TMPDIR/twice" || { echo "$file"; bad=1; }
  done
  [ "$bad" -eq 0 ]
}

@test "strip is wg-quick's strip, byte for byte, and fails only where that fails" {
  local bad=0 file name
  for file in *.in; do
    name=${file%.in}
    [[ $name == own-keys* ]] && continue
    if [[ -e $stripped/$name.no ]]; then
      ! "$driver" strip "$file" > "$BATS_TEST_TMPDIR/out" 2> /dev/null || { echo "$name: stock refuses"; bad=1; }
      [[ ! -s $BATS_TEST_TMPDIR/out ]] || { echo "$name: output in spite of refusal"; bad=1; }
    else
      "$driver" strip "$file" > "$BATS_TEST_TMPDIR/out" || { echo "$name: stock accepts"; bad=1; }
      cmp "$BATS_TEST_TMPDIR/out" "$stripped/$name" || bad=1
    fi
  done
  [ "$bad" -eq 0 ]
}

@test "strip takes wgq's own keys out of [Interface], and only there" {
  printf '%s\n' '[Interface]' 'Forward = yes' 'masquerade=eth0' 'AllowFrom = peers' 'ListenPort = 1' 'Firewall = off' \
    '[Peer]' 'Forward = yes' > "$BATS_TEST_TMPDIR/wg0.conf"
  run "$driver" strip "$BATS_TEST_TMPDIR/wg0.conf"
  assert_success
  assert_output "$(printf '%s\n' '[Interface]' 'ListenPort = 1' '[Peer]' 'Forward = yes')"
}

@test "what wg-quick strip and wg setconf accept is accepted, and nothing else" {
  local name verdict ours bad=0
  mapfile -t accepted < <(find "$stripped" -type f ! -name '*.no')
  while read -r name verdict; do
    name=${name##*/}
    if "$driver" print "$name.in" > /dev/null 2>&1; then ours=yes; else ours=no; fi
    if [[ $ours == "$verdict" ]]; then
      ! expected "$name" || { echo "$name does not differ: take it out of tests/config/differs"; bad=1; }
    else
      expected "$name" || { echo "$name: stock $verdict, wgq $ours"; bad=1; }
    fi
  done < <(./accept.bash setconf "${accepted[@]}")
  for name in "$stripped"/*.no; do
    name=${name##*/}
    ! "$driver" print "${name%.no}.in" > /dev/null 2>&1 || { echo "${name%.no}: stock no, wgq yes"; bad=1; }
  done
  [ "$bad" -eq 0 ]
}

# judged KEY: reads accept.bash's "yes|no VALUE" lines; the verdict on "KEY = VALUE" must be the same
judged() {
  local verdict value ours bad=0 n=0
  while read -r verdict value; do
    printf '[Interface]\n%s = %s\n' "$1" "$value" > "$BATS_TEST_TMPDIR/one.conf"
    if "$driver" print "$BATS_TEST_TMPDIR/one.conf" > /dev/null 2>&1; then ours=yes; else ours=no; fi
    [[ $ours == "$verdict" ]] || { echo "$1 = $value: ip $verdict, wgq $ours"; bad=1; }
    n=$((n + 1))
  done
  ((n > 5 && bad == 0))
}

@test "Address is understood as ip understands it" {
  judged Address < <(./accept.bash address 10.0.0.1 10.0.0.2/24 10.0.0.3/0 10.0.0.4/32 10.0.0.5/33 10.0.0.6/ 10.1/16 10/8 \
    10.0.1.1/255.255.255.0 10.0.1.2/255.0.255.0 10.0.1.3/255.255.255 10.0.010.1/24 10.0.0x10.1/24 10.0.08.1 10.0.0.1.2 256.1.1.1 \
    10.0.2.1/0x18 10.0.2.2/030 10.0.2.3/-1 10.0.2.4/+8 10.0.2.5/24/7 10. 10.. .1 host.example fd00::1 fd00::2/64 fd00::3/129 \
    fd00::4/ fd00::g/64 fe80::1%lo/64 ::ffff:10.9.8.7 ::ffff:1.2.3.4/96 fd00::5/0x40 fd00::6/ffff:: 1:2:3:4:5:6:7:8 :: 0.0.0.0 \
    10.0.3.1/24x 4294967295 010.1.1.1 0x0a.1.1.1 10.0.4.1/0 0/0 10.0.5.1/00000000024 +10.0.6.1 10.+1.0.1 -1.0.0.1 \
    fd00::7/255.255.0.0 fd00::8/255.0.255.0 10.0.7.1/0.0.0.0 10.0.7.2/255.255.255.255 10.0.7.3/255 10.0.7.4/255. \
    10.0.8.1/4294967296 10.0.8.2/-18446744073709551592)
}

@test "Table is understood as ip understands it" {
  judged Table < <(./accept.bash table 0 1 254 51820 0x123 010 +5 4294967295 4294967296 -1 037777777777 main default local \
    99999999999999999999 OFF Auto)
}

@test "MTU is understood as ip understands it" {
  judged MTU < <(./accept.bash mtu 1420 0x500 02600 +1400 1400x x 0x 99999999999999999999 2147483648 1,400 1.4)
}

@test "no secret of any file is in any finding" {
  local bad=0 secret
  mapfile -t secrets < <(sed -n 's/^ *\(PrivateKey\|PresharedKey\) *= *\([A-Za-z0-9+/]\{12\}\).*/\2/p' ./*.in | sort -u)
  ((${#secrets[@]} > 1))
  for secret in "${secrets[@]}"; do
    ! grep -nF -- "$secret" ./*.err || bad=1
  done
  [ "$bad" -eq 0 ]
}

@test "secrets reach neither output nor findings unless asked for" {
  run --separate-stderr "$driver" print everything.in
  refute_output --partial 'yJeBEsobvcr6wjGzmiPcTaeG7'
  assert_output --partial 'PrivateKey = (hidden)'
  run "$driver" secrets everything.in
  assert_output --partial 'PrivateKey = yJeBEsobvcr6wjGzmiPcTaeG7'
}

# --- which file

# sandbox COMMAND...: with a private /etc/wireguard
sandbox() {
  # shellcheck disable=SC2016  # expanded by the inner shell
  unshare --mount bash -euc 'mount -t tmpfs tmpfs /etc/wireguard
    cp "$1" /etc/wireguard/wg0.conf; cp "$1" /etc/wireguard/wg1.conf.conf; cd "$2"; shift 2; "$@"' \
    _ "$BATS_TEST_DIRNAME/empty.in" "$BATS_TEST_TMPDIR" "$@"
}

@test "a valid name is an interface of /etc/wireguard, whatever lies in the folder" {
  touch "$BATS_TEST_TMPDIR/wg1.conf"
  run sandbox "$driver" locate wg0
  assert_output 'wg0 /etc/wireguard/wg0.conf'
  run sandbox "$driver" locate wg1.conf
  assert_output 'wg1.conf /etc/wireguard/wg1.conf.conf'
  run sandbox "$driver" locate ./wg1.conf
  assert_output "wg1 $BATS_TEST_TMPDIR/wg1.conf"
}

@test "the interface is named after the path as given, the file is where links lead" {
  touch "$BATS_TEST_TMPDIR/other.txt" "$BATS_TEST_TMPDIR/abcdefghijklmno.conf"
  ln -s other.txt "$BATS_TEST_TMPDIR/wg7.conf"
  run sandbox "$driver" locate "$BATS_TEST_TMPDIR/wg7.conf"
  assert_output "wg7 $BATS_TEST_TMPDIR/other.txt"
  run sandbox "$driver" locate abcdefghijklmno.conf
  assert_output "abcdefghijklmno $BATS_TEST_TMPDIR/abcdefghijklmno.conf"
}

@test "what is no interface and no file is refused with its reason" {
  local long=$BATS_TEST_TMPDIR/abcdefghijklmnop.conf odd=$BATS_TEST_TMPDIR/'wg 0.conf' other=$BATS_TEST_TMPDIR/wg0.txt
  touch "$long" "$odd" "$other" "$BATS_TEST_TMPDIR/.conf" "$BATS_TEST_TMPDIR/wg9.conf"
  run sandbox "$driver" locate wg3
  assert_failure
  assert_output '/etc/wireguard/wg3.conf does not exist'
  run sandbox "$driver" locate wg9.conf
  assert_output '/etc/wireguard/wg9.conf.conf does not exist; for the file in this folder write ./wg9.conf'
  run sandbox "$driver" locate wireguard-office-1
  assert_output 'wireguard-office-1 has 18 characters: too long for an interface, whose limit is 15, and there is no file of that name'
  run sandbox "$driver" locate "$long"
  assert_output "$long: the interface's name 'abcdefghijklmnop' has 16 characters, the limit is 15"
  run sandbox "$driver" locate "$odd"
  assert_output "$odd: no interface can be named 'wg 0': ' ' is not allowed, only letters, digits and _=+.-"
  run sandbox "$driver" locate "$other"
  assert_output "$other: the file must be named after its interface, as wg0.conf"
  run sandbox "$driver" locate "$BATS_TEST_TMPDIR/.conf"
  assert_output "$BATS_TEST_TMPDIR/.conf: the file must be named after its interface, as wg0.conf"
  run sandbox "$driver" locate ''
  assert_output 'the name of the interface or file is empty'
  run sandbox "$driver" locate ./wg9.conf/
  assert_output './wg9.conf/ does not exist'
  run sandbox "$driver" locate $'x\e[31m/'
  assert_output 'x\x1b[31m/ does not exist'
}

@test "the same paths are found and refused by wg-quick" {
  touch "$BATS_TEST_TMPDIR"/{wg1.conf,abcdefghijklmno.conf,abcdefghijklmnop.conf,wg0.txt,.conf,wg@0.conf}
  ln -s wg0.txt "$BATS_TEST_TMPDIR/wg7.conf"
  ln -s nowhere "$BATS_TEST_TMPDIR/wg8.conf"
  for arg in wg0 wg1 wg1.conf ./wg1.conf wg2 abcdefghijklmno.conf ./abcdefghijklmnop.conf ./wg0.txt ./.conf ./wg@0.conf ./wg7.conf \
    ./wg8.conf ./wg1.conf/ ''  . ..; do
    run sandbox wg-quick strip "$arg"
    local stock=$status
    run sandbox "$driver" locate "$arg"
    echo "'$arg': stock $stock, wgq $status"
    ((stock ? status : !status))
  done
}

# --- reading

@test "a folder is no configuration file" {
  mkdir "$BATS_TEST_TMPDIR/wg0.conf"
  run "$driver" print "$BATS_TEST_TMPDIR/wg0.conf"
  assert_failure 2
  assert_output "$BATS_TEST_TMPDIR/wg0.conf is a folder, not a file"
}

@test "a file that cannot be read is named, with the reason" {
  run "$driver" print "$BATS_TEST_TMPDIR/wg0.conf"
  assert_failure 2
  assert_output "open $BATS_TEST_TMPDIR/wg0.conf: No such file or directory"
}

@test "a pipe is read to its end" {
  mkfifo "$BATS_TEST_TMPDIR/wg0.conf"
  { seq -f '# line %.0f' 20000; cat everything.in; } > "$BATS_TEST_TMPDIR/wg0.conf" &
  run "$driver" print "$BATS_TEST_TMPDIR/wg0.conf"
  assert_output "$(cat everything.ok)"
}

@test "world access is judged by file and folder together, as wg-quick does" {
  local file folder
  mkdir "$BATS_TEST_TMPDIR/d"
  cp empty.in "$BATS_TEST_TMPDIR/d/wg0.conf"
  for folder in 0700 0711 0755 0750 0701; do
    for file in 0600 0644 0604 0601 0666 0640; do
      chmod $folder "$BATS_TEST_TMPDIR/d"
      chmod $file "$BATS_TEST_TMPDIR/d/wg0.conf"
      run --separate-stderr wg-quick strip "$BATS_TEST_TMPDIR/d/wg0.conf"
      stock=${stderr:+yes}
      SHOW_ACCESS=1 run --separate-stderr "$driver" strip "$BATS_TEST_TMPDIR/d/wg0.conf"
      echo "file $file in $folder: stock ${stock:-no}, wgq ${stderr:-no}"
      [[ ${stderr:+yes} == "$stock" ]]
    done
  done
}

# --- size

@test "strip of 100,000 peers takes under 0.3 s and less than 4 times the file in memory" {
  awk 'BEGIN { print "[Interface]\nAddress = 10.0.0.1/8\nListenPort = 51820"
    for (i = 0; i < 100000; i++) printf "\n# peer %d\n[Peer]\nPublicKey = %042dA=\nAllowedIPs = 10.%d.%d.%d/32\nPersistentKeepalive = 25\n", i, i, i / 65536, i / 256 % 256, i % 256 }' \
    > "$BATS_TEST_TMPDIR/wg0.conf"
  local size microseconds kilobytes
  size=$(stat -c %s "$BATS_TEST_TMPDIR/wg0.conf")
  SHOW_COST=1 "$driver" strip "$BATS_TEST_TMPDIR/wg0.conf" > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/spent"
  [[ $(wc -l < "$BATS_TEST_TMPDIR/out") == 600003 ]]
  [[ $driver != */asan/* ]] || return 0 # the sanitizers' time and memory are not ours
  read -r microseconds kilobytes < "$BATS_TEST_TMPDIR/spent"
  echo "$size bytes: $microseconds us, $kilobytes kB"
  ((microseconds < 300000 && 1024 * kilobytes < 4 * size))
}
