/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations: their words, what is left of a plan after what exists already, and its inverse. */
#include "wgq/plan/op.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "wgq/base/log.h"

struct fixture {
	struct arena arena;
	struct plan plan;
};

static struct plan plan_of(struct arena *a)
{
	return (struct plan){ .arena = a,
			      .ifname = "wg0",
			      .config_path = "/etc/wireguard/wg0.conf" };
}

static int prepare(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->plan = plan_of(&f->arena);
	*state = f;
	return 0;
}

static int clean(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	free(f);
	return 0;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, (struct str){ text, strlen(text) }), 0);
	return p;
}

static struct op *push_hook(struct plan *p, enum op_kind kind, const char *text)
{
	struct op *op = plan_push(p, kind, OP_RUN);

	op->hook = text;
	return op;
}

static void push_addr(struct plan *p, const char *addr)
{
	plan_push(p, OP_ADDR, OP_ADD)->addr = prefix_of(addr);
}

static void push_route(struct plan *p, const char *dst, uint32_t table)
{
	plan_push(p, OP_ROUTE, OP_ADD)->route = (struct route){ prefix_of(dst), table, 0,
								RTPROT_BOOT };
}

static void push_rule(struct plan *p, uint8_t family, uint32_t priority, uint32_t table)
{
	plan_push(p, OP_RULE, OP_ADD)->rule = (struct rule){ family, true, priority, table,
							     table,  -1,   false };
}

static void push_device(struct plan *p, uint32_t fwmark, bool chose)
{
	struct wg_device *device = arena_alloc(p->arena, sizeof(*device));
	struct op *op = plan_push(p, OP_DEVICE, OP_ADD);

	memset(&device->private_key, 0x5a, sizeof(device->private_key));
	device->fwmark = fwmark;
	op->device = (struct op_device){ device, chose };
}

static void push_firewall(struct plan *p, uint8_t family)
{
	struct antispoof *a = arena_alloc(p->arena, sizeof(*a));

	*a = (struct antispoof){ family, 51820, NULL, 0 };
	plan_push(p, OP_ANTISPOOF, OP_ADD)->firewall.antispoof = a;
}

static void push_sysctl(struct plan *p, bool stays)
{
	struct op *op = plan_push(p, OP_SYSCTL, OP_ADD);

	op->sysctl = (struct op_sysctl){ .name = "net/ipv4/conf/all/src_valid_mark", .value = 1 };
	op->stays = stays;
}

static void push_dns(struct plan *p)
{
	static const char *servers[] = { "192.0.2.53" };
	struct resolver *r = arena_alloc(p->arena, sizeof(*r));
	struct dns *dns = arena_alloc(p->arena, sizeof(*dns));

	*dns = (struct dns){ .servers = servers, .nservers = 1 };
	*r = (struct resolver){ .kind = RESOLVER_RESOLVCONF, .program = "/sbin/resolvconf" };
	r->name = "tun.wg0";
	r->dns = dns;
	resolver_restore(r, p->arena);
	plan_push(p, OP_DNS, OP_ADD)->dns.resolver = r;
}

/* --- words --- */

static void describes(const struct plan *p, const char *forward, const char *inverse)
{
	char text[4096];

	assert_string_equal(op_describe(text, sizeof(text), p, &p->v[p->n - 1], false), forward);
	assert_string_equal(op_describe(text, sizeof(text), p, &p->v[p->n - 1], true), inverse);
}

static void links_are_described(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;

	plan_push(p, OP_LINK, OP_ADD);
	describes(p, "ip link add dev wg0 type wireguard", "ip link delete dev wg0");
	plan_push(p, OP_LINK, OP_ADD)->link.program = "/usr/bin/wireguard-go";
	describes(p, "/usr/bin/wireguard-go wg0", "ip link delete dev wg0");
	plan_push(p, OP_LINK_UP, OP_ADD)->mtu = 1420;
	describes(p, "ip link set mtu 1420 up dev wg0", "ip link set down dev wg0");
}

static void devices_are_described_without_a_key(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;
	const char *plain = "wg addconf wg0 <(wgq strip /etc/wireguard/wg0.conf)";

	push_device(p, 0, false);
	describes(p, plain, plain);
	push_device(p, 7, false); /* the file's own */
	describes(p, plain, plain);
	push_device(p, 51820, true);
	describes(p, "wg addconf wg0 <(wgq strip /etc/wireguard/wg0.conf)\nwg set wg0 fwmark 51820",
		  "wg addconf wg0 <(wgq strip /etc/wireguard/wg0.conf)\nwg set wg0 fwmark 51820");
}

static void addresses_are_described(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;

	push_addr(p, "10.0.0.1/24");
	describes(p, "ip -4 address add 10.0.0.1/24 dev wg0",
		  "ip -4 address delete 10.0.0.1/24 dev wg0");
	push_addr(p, "fd00::1");
	describes(p, "ip -6 address add fd00::1/128 dev wg0",
		  "ip -6 address delete fd00::1/128 dev wg0");
}

static void routes_are_described(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;

	push_route(p, "10.1.0.0/16", RT_TABLE_MAIN);
	describes(p, "ip -4 route add 10.1.0.0/16 dev wg0",
		  "ip -4 route delete 10.1.0.0/16 dev wg0");
	push_route(p, "0.0.0.0/0", 51820);
	describes(p, "ip -4 route add 0.0.0.0/0 dev wg0 table 51820",
		  "ip -4 route delete 0.0.0.0/0 dev wg0 table 51820");
	push_route(p, "::/0", UINT32_MAX);
	describes(p, "ip -6 route add ::/0 dev wg0 table 4294967295",
		  "ip -6 route delete ::/0 dev wg0 table 4294967295");
}

static void rules_are_described(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;

	push_rule(p, AF_INET, 32765, 51820);
	describes(p, "ip -4 rule add not fwmark 51820 table 51820 priority 32765",
		  "ip -4 rule delete not fwmark 51820 table 51820 priority 32765");
	plan_push(p, OP_RULE, OP_ADD)->rule = (struct rule){ AF_INET6, false, 32764, RT_TABLE_MAIN,
							     0,        0,     false };
	describes(p, "ip -6 rule add table main suppress_prefixlength 0 priority 32764",
		  "ip -6 rule delete table main suppress_prefixlength 0 priority 32764");
}

/* "priority 0" would not leave the choice to the kernel, it would put the rule first of all. */
static void a_priority_that_the_kernel_chooses_is_not_named(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;

	push_rule(p, AF_INET, 0, 51820);
	describes(p, "ip -4 rule add not fwmark 51820 table 51820",
		  "ip -4 rule delete not fwmark 51820 table 51820");
	plan_push(p, OP_RULE, OP_ADD)->rule = (struct rule){ AF_INET6, false, 0,    RT_TABLE_MAIN,
							     0,        0,     false };
	describes(p, "ip -6 rule add table main suppress_prefixlength 0",
		  "ip -6 rule delete table main suppress_prefixlength 0");
}

static void switches_firewall_and_resolver_are_described(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;
	char text[4096];

	push_sysctl(p, true);
	describes(p, "sysctl -q net.ipv4.conf.all.src_valid_mark=1",
		  "sysctl -q net.ipv4.conf.all.src_valid_mark=0");
	push_firewall(p, AF_INET);
	describes(p, "nft add table ip wg-quick-wg0  # against spoofing, mark 0xca6c",
		  "nft delete table ip wg-quick-wg0");
	push_firewall(p, AF_INET6);
	describes(p, "nft add table ip6 wg-quick-wg0  # against spoofing, mark 0xca6c",
		  "nft delete table ip6 wg-quick-wg0");
	push_dns(p);
	op_describe(text, sizeof(text), p, &p->v[p->n - 1], false);
	assert_non_null(strstr(text, "resolvconf -a tun.wg0 -m 0 -x"));
	op_describe(text, sizeof(text), p, &p->v[p->n - 1], true);
	assert_non_null(strstr(text, "resolvconf -d tun.wg0 -f"));
}

static void hooks_are_their_text(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;
	static const enum op_kind kinds[] = { OP_PRE_UP, OP_POST_UP, OP_PRE_DOWN, OP_POST_DOWN };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		push_hook(p, kinds[i], "echo '100%s' | tee /x # y");
		describes(p, "echo '100%s' | tee /x # y", "echo '100%s' | tee /x # y");
		assert_true(op_is_hook(kinds[i]));
	}
	push_hook(p, OP_POST_UP, "");
	describes(p, "", "");
}

static void a_deletion_is_described_the_other_way_round(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;

	plan_push(p, OP_ROUTE, OP_DEL)->route = (struct route){ prefix_of("10.1.0.0/16"),
								RT_TABLE_MAIN, 0, RTPROT_BOOT };
	describes(p, "ip -4 route delete 10.1.0.0/16 dev wg0",
		  "ip -4 route add 10.1.0.0/16 dev wg0");
	plan_push(p, OP_LINK, OP_DEL);
	describes(p, "ip link delete dev wg0", "ip link add dev wg0 type wireguard");
}

static void a_small_buffer_cuts_the_words(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;

	push_device(p, 51820, true);
	push_addr(p, "10.0.0.1/24");
	push_dns(p);
	for (size_t i = 0; i < p->n; i++)
		for (size_t size = 1; size < 120; size++) {
			char *text = malloc(size); /* exactly so much, for the sanitizer */

			op_describe(text, size, p, &p->v[i], false);
			assert_true(strlen(text) < size);
			free(text);
		}
}

static void every_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < OP_KINDS; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(op_kind_name((enum op_kind)i),
						op_kind_name((enum op_kind)j));
}

/* --- what is printed --- */

/* What op_announce() writes for n operations. */
static const char *announced(struct fixture *f, const struct op *first, size_t n, int step,
			     enum log_level level)
{
	char *text = arena_alloc(&f->arena, 65536);
	int fd = memfd_create("steps", MFD_CLOEXEC);
	ssize_t got;

	log_init("op", level, fd);
	op_announce(&f->plan, first, n, step, false);
	log_init("op", LOG_NORMAL, STDERR_FILENO);
	got = pread(fd, text, 65535, 0);
	assert_true(got >= 0);
	close(fd);
	return text;
}

static void push_routes(struct plan *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "10.%u.0.0/16", i);
		push_route(p, dst, RT_TABLE_MAIN);
	}
}

static void up_to_six_like_steps_are_six_lines(void **state)
{
	struct fixture *f = *state;
	const char *text;

	push_routes(&f->plan, 6);
	text = announced(f, f->plan.v, 6, 1, LOG_NORMAL);
	assert_string_equal(text, "[#] ip -4 route add 10.0.0.0/16 dev wg0\n"
				  "[#] ip -4 route add 10.1.0.0/16 dev wg0\n"
				  "[#] ip -4 route add 10.2.0.0/16 dev wg0\n"
				  "[#] ip -4 route add 10.3.0.0/16 dev wg0\n"
				  "[#] ip -4 route add 10.4.0.0/16 dev wg0\n"
				  "[#] ip -4 route add 10.5.0.0/16 dev wg0\n");
}

static void seven_fold_into_one_unless_verbose(void **state)
{
	struct fixture *f = *state;
	const char *text;
	size_t lines = 0;

	push_routes(&f->plan, 7);
	text = announced(f, f->plan.v, 7, 1, LOG_NORMAL);
	assert_string_equal(text, "[#] ip -4 route add 10.0.0.0/16 dev wg0  (and 6 more)\n");
	text = announced(f, f->plan.v, 7, 1, LOG_VERBOSE);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 7);
	assert_string_equal(announced(f, f->plan.v, 7, 1, LOG_QUIET), "");
}

static void backwards_is_announced_backwards(void **state)
{
	struct fixture *f = *state;

	push_routes(&f->plan, 2);
	assert_string_equal(announced(f, &f->plan.v[1], 2, -1, LOG_NORMAL),
			    "[#] ip -4 route add 10.1.0.0/16 dev wg0\n"
			    "[#] ip -4 route add 10.0.0.0/16 dev wg0\n");
}

static void every_line_of_a_step_has_its_mark(void **state)
{
	struct fixture *f = *state;

	push_device(&f->plan, 51820, true);
	assert_string_equal(announced(f, f->plan.v, 1, 1, LOG_NORMAL),
			    "[#] wg addconf wg0 <(wgq strip /etc/wireguard/wg0.conf)\n"
			    "[#] wg set wg0 fwmark 51820\n");
}

static void runs_end_where_kind_or_verb_change(void **state)
{
	struct plan *p = &((struct fixture *)*state)->plan;

	push_addr(p, "10.0.0.1/24");
	push_addr(p, "fd00::1/64");
	push_routes(p, 3);
	plan_push(p, OP_ROUTE, OP_DEL)->route = p->v[2].route;
	assert_int_equal(op_run_length(&p->v[0], p->n, 1), 2);
	assert_int_equal(op_run_length(&p->v[0], 1, 1), 1);
	assert_int_equal(op_run_length(&p->v[2], p->n - 2, 1), 3);
	assert_int_equal(op_run_length(&p->v[2], 2, 1), 2);
	assert_int_equal(op_run_length(&p->v[5], 1, 1), 1);
	assert_int_equal(op_run_length(&p->v[4], 5, -1), 3);
	assert_int_equal(op_run_length(&p->v[1], 2, -1), 2);
}

/* --- plans --- */

/* "+addr 10.0.0.1/24" a line: a verb, a kind, and the forward description's words that count. */
static const char *text_of(struct fixture *f, const struct plan *p)
{
	static const char *const verbs[] = { [OP_ADD] = "+", [OP_DEL] = "-", [OP_RUN] = "!" };
	const char *text = "";
	char one[4096];

	for (size_t i = 0; i < p->n; i++)
		text = arena_printf(&f->arena, "%s%s%s\n", text, verbs[p->v[i].verb],
				    op_describe(one, sizeof(one), p, &p->v[i], false));
	return text;
}

static void what_is_there_already_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct plan current = plan_of(&f->arena), *p = &f->plan;

	push_addr(p, "10.0.0.1/24");
	push_addr(p, "10.0.0.2/24");
	push_addr(p, "fd00::1/64");
	push_route(p, "10.1.0.0/16", RT_TABLE_MAIN);
	push_route(p, "10.2.0.0/16", RT_TABLE_MAIN);
	push_route(&current, "10.1.0.0/16", RT_TABLE_MAIN);
	push_addr(&current, "fd00::1/64");
	push_addr(&current, "10.0.0.1/24");
	push_addr(&current, "192.0.2.1/24"); /* not wanted: stays as it is */
	plan_subtract(p, &current);
	assert_string_equal(text_of(f, p), "+ip -4 address add 10.0.0.2/24 dev wg0\n"
					   "+ip -4 route add 10.2.0.0/16 dev wg0\n");
}

static void only_the_whole_object_counts_as_there(void **state)
{
	struct fixture *f = *state;
	struct plan current = plan_of(&f->arena), *p = &f->plan;

	push_addr(p, "10.0.0.1/24");
	push_addr(&current, "10.0.0.1/32");
	push_addr(&current, "10.0.0.0/24");
	push_route(p, "10.1.0.0/16", RT_TABLE_MAIN);
	push_route(&current, "10.1.0.0/16", 51820);
	push_route(&current, "10.1.0.0/17", RT_TABLE_MAIN);
	push_route(&current, "10.1.0.0/16", RT_TABLE_MAIN);
	current.v[current.n - 1].route.protocol = RTPROT_STATIC;
	push_rule(p, AF_INET, 32765, 51820);
	push_rule(&current, AF_INET, 32764, 51820);
	push_rule(&current, AF_INET6, 32765, 51820);
	push_rule(&current, AF_INET, 32765, 51821);
	plan_subtract(p, &current);
	assert_int_equal(p->n, 3);
	push_rule(&current, AF_INET, 32765, 51820);
	plan_subtract(p, &current);
	assert_int_equal(p->n, 2);
}

static void kinds_that_cannot_be_there_are_never_left_out(void **state)
{
	struct fixture *f = *state;
	struct plan current = plan_of(&f->arena), *p = &f->plan;

	plan_push(p, OP_LINK, OP_ADD);
	push_hook(p, OP_PRE_UP, "true");
	push_device(p, 0, false);
	push_sysctl(p, true);
	for (size_t i = 0; i < p->n; i++)
		*plan_push(&current, (enum op_kind)p->v[i].kind, OP_ADD) = p->v[i];
	plan_subtract(p, &current);
	assert_int_equal(p->n, 4);
	plan_subtract(p, &(struct plan){ .arena = &f->arena });
	assert_int_equal(p->n, 4);
	p->n = 0;
	plan_subtract(p, &current);
	assert_int_equal(p->n, 0);
}

static void push_network(struct plan *p)
{
	push_device(p, 51820, true);
	push_addr(p, "10.0.0.1/24");
	plan_push(p, OP_LINK_UP, OP_ADD)->mtu = 1420;
	push_dns(p);
	push_sysctl(p, true);
	push_firewall(p, AF_INET6);
	push_firewall(p, AF_INET);
	push_rule(p, AF_INET, 32765, 51820);
	plan_push(p, OP_RULE, OP_ADD)->rule = (struct rule){ AF_INET, false, 32764, RT_TABLE_MAIN,
							     0,       0,     false };
	push_route(p, "0.0.0.0/0", 51820);
	push_hook(p, OP_POST_UP, "post-up");
	push_hook(p, OP_PRE_DOWN, "pre-down 1");
	push_hook(p, OP_PRE_DOWN, "pre-down 2");
	push_hook(p, OP_POST_DOWN, "post-down 1");
	push_hook(p, OP_POST_DOWN, "post-down 2");
}

/* Hooks in the order of the file, around; the rest in reverse; what the link takes along is left to
 * it; the switch stays. */
static void the_inverse_is_what_down_does(void **state)
{
	struct fixture *f = *state;
	struct plan down = plan_of(&f->arena);

	plan_push(&f->plan, OP_LINK, OP_ADD);
	push_hook(&f->plan, OP_PRE_UP, "pre-up");
	push_network(&f->plan);
	plan_invert(&down, &f->plan);
	assert_string_equal(text_of(f, &down),
			    "!pre-down 1\n"
			    "!pre-down 2\n"
			    "-ip -4 rule delete table main suppress_prefixlength 0 priority 32764\n"
			    "-ip -4 rule delete not fwmark 51820 table 51820 priority 32765\n"
			    "-nft delete table ip wg-quick-wg0\n"
			    "-nft delete table ip6 wg-quick-wg0\n"
			    "-resolvconf -d tun.wg0 -f\n"
			    "-ip link delete dev wg0\n"
			    "!post-down 1\n"
			    "!post-down 2\n");
}

static void without_the_link_its_objects_go_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct plan down = plan_of(&f->arena);

	push_addr(&f->plan, "10.0.0.1/24");
	push_route(&f->plan, "10.1.0.0/16", RT_TABLE_MAIN);
	push_route(&f->plan, "10.2.0.0/16", RT_TABLE_MAIN);
	plan_invert(&down, &f->plan);
	assert_string_equal(text_of(f, &down), "-ip -4 route delete 10.2.0.0/16 dev wg0\n"
					       "-ip -4 route delete 10.1.0.0/16 dev wg0\n"
					       "-ip -4 address delete 10.0.0.1/24 dev wg0\n");
}

static void a_deletion_is_inverted_to_an_addition(void **state)
{
	struct fixture *f = *state;
	struct plan back = plan_of(&f->arena);

	plan_push(&f->plan, OP_ADDR, OP_DEL)->addr = prefix_of("10.0.0.1/24");
	plan_invert(&back, &f->plan);
	assert_string_equal(text_of(f, &back), "+ip -4 address add 10.0.0.1/24 dev wg0\n");
}

static void nothing_inverted_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct plan down = plan_of(&f->arena);

	plan_invert(&down, &f->plan);
	assert_int_equal(down.n, 0);
}

static void inverted_operations_are_not_done_yet(void **state)
{
	struct fixture *f = *state;
	struct plan down = plan_of(&f->arena);

	plan_push(&f->plan, OP_LINK, OP_ADD);
	push_network(&f->plan);
	for (size_t i = 0; i < f->plan.n; i++)
		f->plan.v[i].done = true;
	plan_invert(&down, &f->plan);
	for (size_t i = 0; i < down.n; i++)
		assert_false(down.v[i].done);
}

#define WITH_PLAN(test) cmocka_unit_test_setup_teardown(test, prepare, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLAN(links_are_described),
		WITH_PLAN(devices_are_described_without_a_key),
		WITH_PLAN(addresses_are_described),
		WITH_PLAN(routes_are_described),
		WITH_PLAN(rules_are_described),
		WITH_PLAN(a_priority_that_the_kernel_chooses_is_not_named),
		WITH_PLAN(switches_firewall_and_resolver_are_described),
		WITH_PLAN(hooks_are_their_text),
		WITH_PLAN(a_deletion_is_described_the_other_way_round),
		WITH_PLAN(a_small_buffer_cuts_the_words),
		WITH_PLAN(every_kind_has_a_name_of_its_own),
		WITH_PLAN(up_to_six_like_steps_are_six_lines),
		WITH_PLAN(seven_fold_into_one_unless_verbose),
		WITH_PLAN(backwards_is_announced_backwards),
		WITH_PLAN(every_line_of_a_step_has_its_mark),
		WITH_PLAN(runs_end_where_kind_or_verb_change),
		WITH_PLAN(what_is_there_already_is_left_out),
		WITH_PLAN(only_the_whole_object_counts_as_there),
		WITH_PLAN(kinds_that_cannot_be_there_are_never_left_out),
		WITH_PLAN(the_inverse_is_what_down_does),
		WITH_PLAN(without_the_link_its_objects_go_one_by_one),
		WITH_PLAN(a_deletion_is_inverted_to_an_addition),
		WITH_PLAN(nothing_inverted_is_nothing),
		WITH_PLAN(inverted_operations_are_not_done_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
