#!/bin/bash
# What wg and ip accept, in namespaces of their own, with a userspace device that stays down: no packet is ever sent.
#   accept.bash setconf FILE...       prints "FILE yes|no" for each: does `wg setconf` take it?
#   accept.bash address|table|mtu VALUE...   prints "yes|no VALUE" for each: does ip understand it?
set -euo pipefail
if [[ ${INSIDE:-} != 1 ]]; then
  # whatever ends it, the device's process ends with it
  INSIDE=1 exec setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi

mount -t tmpfs tmpfs /run
mkdir /run/wireguard
printf '%s\n' '127.0.0.1 localhost' '192.0.2.9 hub.example.com' > /run/hosts
mount --bind /run/hosts /etc/hosts
export LC_ALL=C WG_ENDPOINT_RESOLUTION_RETRIES=0
wireguard-go wgt > /dev/null 2>&1
trap 'ip link delete dev wgt' EXIT

what=$1
shift
verdict() { # COMMAND...: ip ends with 1 or 255 where it does not understand; 2 is the kernel's refusal
  local status=0
  "$@" > /dev/null 2>&1 || status=$?
  if ((status == 0 || status == 2)); then echo yes; else echo no; fi
}
case $what in
  setconf)
    for file; do
      if wg setconf wgt "$file" 2> /dev/null; then echo "$file yes"; else echo "$file no"; fi
    done
    ;;
  address)
    for value; do
      family=-4
      [[ $value == *:* ]] && family=-6
      echo "$(verdict ip $family address add "$value" dev wgt) $value"
    done
    ;;
  table)
    for value; do echo "$(verdict ip -4 route add 198.51.100.0/24 dev wgt table "$value") $value"; done
    ;;
  mtu)
    for value; do echo "$(verdict ip link set mtu "$value" dev wgt) $value"; done
    ;;
esac
