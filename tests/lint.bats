#!/usr/bin/env bats
# What needs no running: form, analysers, warnings, manual pages, installation.

setup() {
  unset MAKEFLAGS MAKEOVERRIDES # flags of the make that runs us, as the sanitizers', are not for these builds
  cd "$BATS_TEST_DIRNAME/.." || return
  mapfile -t c_files < <(find wgq hooks tests -name '*.[ch]' | sort)
  mapfile -t sources < <(find wgq hooks -name '*.c' | sort)
}

# none COMMAND...: grep-like, must find nothing (and not fail otherwise)
none() {
  local status=0
  "$@" || status=$?
  [ "$status" -eq 1 ]
}

@test "C is formatted" {
  clang-format --dry-run -Werror "${c_files[@]}"
}

@test "scripts pass shellcheck" {
  mapfile -t scripts < <(grep -rIlE '^#!.*\b(bash|sh|bats)$' .ci tests completions hooks
    find tests -name '*.bash'; find completions -type f)
  ((${#scripts[@]} > 5))
  shellcheck --external-sources "${scripts[@]}"
}

@test "manual pages are well-formed" {
  mandoc -T lint -W warning man/*
}

@test "gcc and its analyser have nothing to warn of" {
  make -s CI=1 B=build/lint/gcc CC=gcc CFLAGS="-O2 -fanalyzer" all
}

@test "clang has nothing to warn of" {
  make -s CI=1 B=build/lint/clang CC=clang all
}

@test "cppcheck has nothing to say" {
  cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr -I. \
    -D_GNU_SOURCE -DWGQ_VERSION='"0"' --suppress=missingIncludeSystem "${sources[@]}"
}

@test "clang-tidy has nothing to say" {
  clang-tidy --quiet "${sources[@]}" -- -std=gnu11 -D_GNU_SOURCE -DWGQ_VERSION='"0"' -I. 2> /dev/null
}

@test "functions have at most 100 lines, files 700" {
  wc -l "${c_files[@]}" | awk '$2 != "total" && $1 > 700 { print; bad = 1 } END { exit bad }'
  ctags --languages=C --kinds-C=f --fields=+ne -x --_xformat='%F:%n %N %{end}' "${sources[@]}" |
    awk '{ split($1, at, ":"); n = $3 - at[2] + 1; if (n > 100) { print $1, $2, n, "lines"; bad = 1 } } END { exit bad }'
}

# A layer includes itself and what is below it, nothing else of ours; a library is seen by the file that wraps it.
@test "layers look down only" {
  local rule layer allowed bad=0
  for rule in 'wgq/base wgq/base' 'wgq/conf wgq/base|wgq/conf' 'wgq/kernel wgq/base|wgq/kernel' \
    'hooks wgq/base|wgq/kernel|hooks' 'wgq/plan wgq/base|wgq/kernel|wgq/conf|hooks|wgq/plan' 'wgq/mesh wgq/base|wgq/conf|wgq/mesh'; do
    read -r layer allowed <<< "$rule"
    ! grep -rn '#include "' "$layer" --include='*.[ch]' | grep -vE "#include \"($allowed)/" || bad=1
  done
  for rule in '<sodium\.h> wgq/base/key\.c' '<libnftnl/ hooks/(firewall_)?nft[a-z_]*\.c' \
    '<jansson\.h> wgq/mesh/json\.c' '<xtables\.h> hooks/xt\.c' '<libiptc/ hooks/ipt[a-z_]*\.c' \
    '<libmnl/ (wgq/kernel|hooks)/[a-z_]*\.[ch]'; do
    read -r layer allowed <<< "$rule"
    ! grep -rnE "#include $layer" wgq hooks | grep -vE "^($allowed):" || bad=1
  done
  [ "$bad" -eq 0 ]
}

@test "no unbounded calls, no unfinished work" {
  none grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|system|popen|alloca|strtok|tmpnam|mktemp) ?\(' "${c_files[@]}"
  none grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' --exclude-dir=build --exclude-dir=.git --exclude=lint.bats .
}

@test "make install and uninstall leave nothing" {
  local d=$BATS_TEST_TMPDIR/root
  make -s B=build/lint/gcc DESTDIR="$d" PREFIX=/usr install
  [ -x "$d/usr/sbin/wgq" ]
  [ -f "$d/usr/share/man/man8/wgq.8" ]
  grep -q 'ExecStart=/usr/sbin/wgq up %i' "$d/usr/lib/systemd/system/wgq@.service"
  none grep -rn '@[A-Z]*DIR@' "$d"
  make -s DESTDIR="$d" PREFIX=/usr uninstall
  [ -z "$(find "$d" ! -type d)" ]
}

@test "the program says its version, and has its hardening" {
  local wgq=build/lint/gcc/wgq
  [[ $("$wgq" --version) =~ ^wgq\ [0-9]+\.[0-9]+\.[0-9]+ ]]
  readelf --wide --file-header "$wgq" | grep -q 'DYN (Position-Independent'
  readelf --wide --dynamic "$wgq" | grep -q 'BIND_NOW'
  readelf --wide --program-headers "$wgq" | grep -q 'GNU_RELRO'
  readelf --wide --symbols "$wgq" | grep -q '__stack_chk_fail'
}
