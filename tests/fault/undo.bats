#!/usr/bin/env bats
# All or nothing: whichever call fails, whenever a signal comes, and after a kill at any moment.

load suite

@test "up fails at any call: exit status 1, all as before (five peers)" {
  points plain errors_of_up sendto recvfrom renameat
}

@test "up fails at any call: exit status 1, all as before (everything there is)" {
  points everything errors_of_up sendto sendmsg recvfrom renameat
}

@test "down fails at any call: all as before or all down (five peers)" {
  points plain errors_of_down sendto recvfrom
}

@test "down fails at any call: all as before or all down (everything there is)" {
  points everything errors_of_down sendto sendmsg recvfrom
}

@test "up is asked to stop by SIGTERM, SIGINT or SIGHUP: all as before" {
  points plain signals_of_up sendto
  points everything signals_of_up sendto sendmsg clone3
}

@test "a hook of up fails or is interrupted: all as before" {
  points everything hooks_of_up PreUp PostUp
}

@test "up is killed, then down: all as before (five peers)" {
  points plain kills_of_up_then_down sendto renameat pwrite64 unlinkat
  # also while wireguard-go is starting
  kernel_wireguard || points plain kills_of_up_then_down pidfd_open wait4
}

@test "up is killed, then down: all as before (everything there is)" {
  points everything kills_of_up_then_down sendto sendmsg renameat pwrite64 clone3 unlinkat
}

@test "up is killed, then up: as up alone (five peers)" {
  points plain kills_of_up_then_up sendto renameat pwrite64
}

@test "up is killed, then up: as up alone (everything there is)" {
  points everything kills_of_up_then_up sendto sendmsg renameat pwrite64 clone3
}

@test "down is killed, then down: all as before" {
  points plain kills_of_down_then_down sendto pwrite64 unlinkat
  points everything kills_of_down_then_down sendto sendmsg pwrite64 clone3 unlinkat
}

@test "down is killed, then up: as up alone" {
  points plain kills_of_down_then_up sendto pwrite64
  points everything kills_of_down_then_up sendto sendmsg pwrite64 clone3
}
