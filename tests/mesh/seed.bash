# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The mesh of five hosts and a relay, as files: those of tests/netns/mesh with keys and addresses put in.

SEED_FILES=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../netns/mesh
export SEED_FILES # in functions that another bash gets, too

# Writes A.conf ... E.conf into a folder that it makes.
seed_mesh() { # FOLDER
  local host other text
  local -A private public address=([A]=203.0.113.1 [B]=203.0.113.2 [C]=203.0.113.100 [D]=192.168.1.3 [E]=192.168.1.4)
  mkdir -p "$1"
  for host in A B C D E; do
    private[$host]=$(wg genkey)
    public[$host]=$(wg pubkey <<< "${private[$host]}")
  done
  for host in A B C D E; do
    text=$(< "$SEED_FILES/$host.conf")
    text=${text//"PrivateKey = <$host>"/"PrivateKey = ${private[$host]}"}
    for other in A B C D E; do
      text=${text//"PublicKey = <$other>"/"PublicKey = ${public[$other]}"}
      text=${text//X.X.X.$other/${address[$other]}}
    done
    (umask 077 && printf '%s\n' "$text" > "$1/$host.conf")
  done
}
export -f seed_mesh
