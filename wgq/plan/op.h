/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations: what up, down and dry run have in common. A tunnel is a set of objects; an operation
 * adds one, deletes one or runs a hook. Its inverse follows from its structure, so nobody writes
 * undo code for a feature: a new kind is a row in the table of op.c (how it is compared and
 * printed), one in apply.c (how it is done) and one in record.c (how it is written down).
 */
#ifndef WGQ_PLAN_OP_H
#define WGQ_PLAN_OP_H

#include "hooks/firewall.h"
#include "hooks/firewalld.h"
#include "hooks/resolver.h"
#include "wgq/conf/config.h"

/* In the order in which up does them; what is deleted goes in reverse. */
enum op_kind {
	OP_LINK, /* the interface itself */
	OP_PRE_UP,
	OP_DEVICE, /* keys, port, mark and peers */
	OP_ADDR,
	OP_FIREWALL, /* what the file declares, of one family in one medium; before packets come */
	OP_LINK_UP,  /* MTU and administrative state */
	OP_SYSCTL,
	OP_ANTISPOOF, /* the rules against spoofing, of one family */
	OP_RULE,
	OP_ROUTE,
	OP_ZONE, /* firewalld's; this and the next run a program, so they come after the last that
		    needs the namespace's lock */
	OP_DNS,
	OP_POST_UP,
	OP_PRE_DOWN,
	OP_POST_DOWN,
	OP_KINDS,
};

enum op_verb { OP_ADD, OP_DEL, OP_RUN };

struct op_link {
	const char *program; /* absolute path of the userspace implementation; NULL: the kernel's */
};

struct op_device {
	const struct wg_device *device;
	bool chose_fwmark; /* the mark is ours, not the file's */
};

struct op_zone {
	const struct firewalld *firewalld;
};

struct op_dns {
	const struct resolver *resolver;
};

struct op_sysctl {
	const char *name; /* below /proc/sys */
	int value, old;   /* ADD writes value, DEL writes old */
	bool needed;      /* the file declares it: one that cannot be set is an error */
	bool shared;      /* another tunnel has set it; whoever goes last puts old back */
};

/* OP_FIREWALL has rules, OP_ANTISPOOF has antispoof. */
struct op_firewall {
	enum fw_medium medium;
	const struct fw_rules *rules;
	const struct antispoof *antispoof;
	struct firewall_batch *add, *del; /* built by apply_prepare() */
};

struct op {
	uint8_t kind; /* enum op_kind */
	uint8_t verb; /* enum op_verb */
	bool done;    /* by the executor */
	bool stays;   /* undone when up fails, left by down */
	struct span at;
	union {
		struct op_link link;
		const char *hook; /* %i replaced */
		struct op_device device;
		struct prefix addr;
		uint32_t mtu;
		struct op_zone zone;
		struct op_dns dns;
		struct op_sysctl sysctl;
		struct op_firewall firewall;
		struct rule rule;
		struct route route; /* oif 0: the tunnel */
	};
};

/* An ordered list of operations on one tunnel. */
struct plan {
	struct arena *arena;
	char ifname[IFNAMSIZ];
	const char *config_path;
	int ifindex; /* 0 until the link exists */
	struct op *v;
	size_t n, capacity;
};

/* Appends an operation, zeroed but for kind and verb; the pointer is good until the next append. */
struct op *plan_push(struct plan *p, enum op_kind kind, enum op_verb verb);

/* "route"; the name of a kind in records and messages. */
const char *op_kind_name(enum op_kind kind);

/* Does deleting the plan's link take this object along? */
bool op_dies_with_link(const struct plan *p, const struct op *op);
bool op_is_hook(enum op_kind kind);

/*
 * Writes the operation, or its inverse, as a command that an administrator could paste; several
 * lines for some kinds. Hooks give their text. Returns text.
 */
const char *op_describe(char *text, size_t size, const struct plan *p, const struct op *op,
			bool inverse);

/* Prints "[#]" lines for n operations of one kind and verb starting at op, step apart; folds them
 * unless verbose. */
void op_announce(const struct plan *p, const struct op *first, size_t n, int step, bool inverse);

/* Prints operations from..to-1, as op_announce() does. */
void plan_announce(const struct plan *p, size_t from, size_t to);

/* How many operations from op on, up to max and step apart, are of op's kind and verb and so can go
 * out together. */
size_t op_run_length(const struct op *op, size_t max, int step);

/*
 * Removes from wanted what current holds already, object for object (kind and whole value equal),
 * so that neither doing nor undoing touches it. n log n. Order of the rest is kept.
 */
void plan_subtract(struct plan *wanted, const struct plan *current);

/*
 * The plan that takes down what done (a record's or a live tunnel's operations) holds: hooks of
 * down around the inverses in reverse, without what dies with the link (unless the link is gone or
 * is not in it) and without what stays.
 */
void plan_invert(struct plan *out, const struct plan *done);

#endif
