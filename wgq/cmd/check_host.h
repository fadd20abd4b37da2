/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `wgq check` of this host: what its files say, and what it would make of them. */
#ifndef WGQ_CMD_CHECK_HOST_H
#define WGQ_CMD_CHECK_HOST_H

#include "wgq/base/finding.h"

/*
 * Checks the files of n interfaces; of none: of all that have one in /etc/wireguard. Takes no lock
 * and changes nothing; without root what only root can see is passed over. Returns EXIT_DONE, or
 * another exit status having said why. Findings and their files live in f's arena.
 */
int check_host(struct findings *f, char *const *words, size_t n);

#endif
