/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking whether this kernel has nf_tables without making it load them. */
#ifndef WGQ_HOOKS_NF_THERE_H
#define WGQ_HOOKS_NF_THERE_H

#include <stdbool.h>

/*
 * Can nf_tables be asked for its tables without a module being loaded for it? True if nf_tables is
 * there, or if nothing can be loaded, so that the answer to the question does no harm. root is put
 * in front of every path: "" but for tests.
 *
 * A message to a part of nfnetlink that is not there makes the kernel call modprobe
 * (nfnetlink_rcv_msg() in net/netfilter/nfnetlink.c), and so does the socket itself where nfnetlink
 * is not there (netlink_create() in net/netlink/af_netlink.c), before any right is looked at. A
 * module that is loaded has a folder in /sys/module; one that is built in has none, as nf_tables
 * has no parameters: it is told from modules.builtin, which every kernel's installation makes
 * (Documentation/kbuild/kbuild.rst), and where that is not to be had, as in containers, from the
 * kernel's own list of symbols. Nothing is loaded by a kernel without modules (no /proc/modules),
 * with modules_disabled, or with an empty modprobe path
 * (Documentation/admin-guide/sysctl/kernel.rst).
 */
bool nf_tables_can_be_asked(const char *root);

#endif
