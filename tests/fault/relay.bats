#!/usr/bin/env bats
# All or nothing for a relay too, whose rules stand among somebody else's, in both kinds of iptables.

load suite

@test "up of a relay fails at any call: all as before" {
  points relay errors_of_up sendto sendmsg recvfrom write
  points legacy errors_of_up clone setsockopt write
}

@test "down of a relay fails at any call: all as before or all down" {
  points relay errors_of_down sendto sendmsg write
  points legacy errors_of_down clone setsockopt write
}

@test "up of a relay is killed, then down or up: as before, as up alone" {
  points relay kills_of_up_then_down sendto sendmsg write
  points relay kills_of_up_then_up sendmsg write
}

@test "down of a relay is killed, then down or up: as before, as up alone" {
  points relay kills_of_down_then_down sendto sendmsg write
  points relay kills_of_down_then_up sendmsg write
}
