/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the golden plans of tests/plan do not show: what operations hold beyond their words. */
#include "wgq/plan/want.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PRIVATE_KEY "PrivateKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define PEER        "[Peer]\nPublicKey = QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\n"

struct fixture {
	struct arena arena;
	struct config *config;
	struct facts facts;
	struct plan plan;
};

static int prepare(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->facts = (struct facts){
		.ipv6 = true,
		.mtu = 1420,
		.free_table = 51820,
		.rule_priority = { 32765, 32765 },
		.antispoof = { true, true },
		.allowed.arena = &f->arena,
		.addrs.arena = &f->arena,
		.routes.arena = &f->arena,
	};
	f->plan = (struct plan){ .arena = &f->arena, .ifname = "wg0" };
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

static void configure(struct fixture *f, const char *text)
{
	struct findings findings = { .arena = &f->arena };
	struct source source = { .path = "wg0.conf", .text = { text, strlen(text) } };

	f->config = config_parse(&f->arena, &source, &findings);
	assert_int_equal(findings_count(&findings, SEV_ERROR), 0);
	allowed_prefixes(&f->facts.allowed, NULL, &f->config->device);
	facts_find_default_routes(&f->facts, f->config);
}

static void plan_all(struct fixture *f)
{
	want_interface(&f->plan, f->config, &f->facts);
	want_network(&f->plan, f->config, &f->facts);
	want_hooks(&f->plan, f->config);
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, (struct str){ text, strlen(text) }), 0);
	return p;
}

/* Operation number i of that kind. */
static const struct op *find_op(const struct fixture *f, enum op_kind kind, size_t i)
{
	for (size_t at = 0; at < f->plan.n; at++)
		if (f->plan.v[at].kind == kind && !i--)
			return &f->plan.v[at];
	fail_msg("there is no %s", op_kind_name(kind));
	return NULL;
}

static const char everything[] = "[Interface]\n" PRIVATE_KEY "Address = 10.0.0.1/24, fd00::1/64\n"
				 "Address = fd00::2/128, 10.0.0.2/32\n"
				 "PreUp = a\nPostUp = b\nPreDown = c\nPostDown = d\n" PEER
				 "AllowedIPs = 0.0.0.0/0, ::/0, 10.1.0.0/16\n";

static void kinds_come_in_order(void **state)
{
	struct fixture *f = *state;

	configure(f, everything);
	plan_all(f);
	for (size_t i = 1; i < f->plan.n; i++)
		assert_true(f->plan.v[i - 1].kind <= f->plan.v[i].kind);
}

static void finding_gives_the_first_of_a_kind_or_later(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(plan_find(&f->plan, OP_LINK), 0);
	configure(f, everything);
	plan_all(f);
	assert_int_equal(plan_find(&f->plan, OP_LINK), 0);
	assert_int_equal(plan_find(&f->plan, OP_PRE_UP), 1);
	assert_int_equal(f->plan.v[plan_find(&f->plan, OP_RULE)].kind, OP_RULE);
	assert_int_equal(f->plan.v[plan_find(&f->plan, OP_DNS)].kind, OP_POST_UP); /* no DNS */
	assert_int_equal(plan_find(&f->plan, OP_POST_DOWN), f->plan.n - 1);
	assert_int_equal(plan_find(&f->plan, OP_KINDS), f->plan.n);
}

static void the_chosen_mark_is_the_devices_and_the_configuration_stays(void **state)
{
	struct fixture *f = *state;
	const struct op_device *device;

	configure(f, everything);
	plan_all(f);
	device = &find_op(f, OP_DEVICE, 0)->device;
	assert_true(device->chose_fwmark);
	assert_int_equal(device->device->fwmark, 51820);
	assert_true(device->device->flags & DEVICE_HAS_FWMARK);
	assert_true(device->device->flags & DEVICE_HAS_PRIVATE_KEY);
	assert_int_equal(device->device->npeers, 1);
	assert_false(f->config->device.flags & DEVICE_HAS_FWMARK);
}

static void without_a_default_route_no_mark_is_touched(void **state)
{
	struct fixture *f = *state;

	configure(f, "[Interface]\n" PRIVATE_KEY PEER "AllowedIPs = 10.1.0.0/16\n");
	plan_all(f);
	assert_false(find_op(f, OP_DEVICE, 0)->device.chose_fwmark);
	assert_false(find_op(f, OP_DEVICE, 0)->device.device->flags & DEVICE_HAS_FWMARK);
}

static void peers_are_added_to_those_of_the_device(void **state)
{
	struct fixture *f = *state;

	configure(f, everything);
	plan_all(f);
	assert_false(find_op(f, OP_DEVICE, 0)->device.device->flags & DEVICE_REPLACE_PEERS);
}

/* Each table gets all addresses, IPv6 ones youngest first as the kernel lists them, PreUp's too. */
static void the_firewall_knows_every_address(void **state)
{
	static const char *const expected[] = { "fd00::2/128", "fd00::1/64", "10.9.0.1/24",
						"10.0.0.1/24", "10.0.0.2/32" };
	struct fixture *f = *state;

	configure(f, everything);
	*ARENA_PUSH(&f->arena, f->facts.addrs.v, f->facts.addrs.n,
		    f->facts.addrs.capacity) = prefix_of("10.9.0.1/24");
	plan_all(f);
	for (size_t i = 0; i < 2; i++) {
		const struct antispoof *a = find_op(f, OP_ANTISPOOF, i)->firewall.antispoof;
		char text[PREFIX_TEXT];

		assert_int_equal(a->family, i ? AF_INET : AF_INET6);
		assert_int_equal(a->fwmark, 51820);
		assert_int_equal(a->naddrs, ARRAY_SIZE(expected));
		for (size_t j = 0; j < a->naddrs; j++)
			assert_string_equal(prefix_format(text, &a->addrs[j]), expected[j]);
	}
}

static void an_address_of_preup_is_known_once(void **state)
{
	struct fixture *f = *state;
	const struct antispoof *a;

	configure(f, everything);
	*ARENA_PUSH(&f->arena, f->facts.addrs.v, f->facts.addrs.n,
		    f->facts.addrs.capacity) = prefix_of("10.0.0.1/24");
	plan_all(f);
	a = find_op(f, OP_ANTISPOOF, 1)->firewall.antispoof;
	assert_int_equal(a->naddrs, 4);
}

static void the_switch_remembers_what_it_was_and_stays(void **state)
{
	static const struct {
		int was, old;
	} cases[] = { { 0, 0 }, { 2, 2 }, { -1, 0 } };
	struct fixture *f = *state;

	configure(f, everything);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct op *op;

		f->plan.n = 0;
		f->facts.src_valid_mark = cases[i].was;
		plan_all(f);
		op = find_op(f, OP_SYSCTL, 0);
		assert_string_equal(op->sysctl.name, "net/ipv4/conf/all/src_valid_mark");
		assert_int_equal(op->sysctl.value, 1);
		assert_int_equal(op->sysctl.old, cases[i].old);
		assert_true(op->stays);
	}
	for (size_t i = 0; i < f->plan.n; i++)
		assert_int_equal(f->plan.v[i].stays, f->plan.v[i].kind == OP_SYSCTL);
}

static void rules_say_no_more_than_they_have_to(void **state)
{
	struct fixture *f = *state;

	configure(f, everything);
	plan_all(f);
	for (size_t i = 0; i < 2; i++) {
		const struct rule *main_first = &find_op(f, OP_RULE, 2 * i)->rule;
		const struct rule *to_tunnel = &find_op(f, OP_RULE, 2 * i + 1)->rule;

		assert_int_equal(main_first->family, i ? AF_INET : AF_INET6);
		assert_int_equal(main_first->table, RT_TABLE_MAIN);
		assert_int_equal(main_first->suppress_prefixlen, 0);
		assert_int_equal(main_first->fwmark, 0);
		assert_false(main_first->invert);
		assert_int_equal(to_tunnel->family, main_first->family);
		assert_int_equal(to_tunnel->suppress_prefixlen, -1);
		assert_true(to_tunnel->invert);
		assert_true(main_first->priority < to_tunnel->priority);
	}
}

static void routes_lead_into_the_tunnel(void **state)
{
	struct fixture *f = *state;

	configure(f, everything);
	plan_all(f);
	for (size_t i = plan_find(&f->plan, OP_ROUTE); i < plan_find(&f->plan, OP_POST_UP); i++) {
		assert_int_equal(f->plan.v[i].route.oif, 0);
		assert_int_equal(f->plan.v[i].route.protocol, RTPROT_BOOT);
		assert_int_not_equal(f->plan.v[i].route.table, 0);
	}
}

static void operations_know_their_lines(void **state)
{
	struct fixture *f = *state;

	configure(f, everything);
	plan_all(f);
	assert_int_equal(find_op(f, OP_ADDR, 0)->at.line, 3);
	assert_int_equal(find_op(f, OP_ADDR, 2)->at.line, 4);
	assert_int_equal(find_op(f, OP_PRE_UP, 0)->at.line, 5);
	assert_int_equal(find_op(f, OP_POST_DOWN, 0)->at.line, 8);
}

static void the_mark_is_the_files_else_the_devices_else_the_chosen(void **state)
{
	static const struct {
		const char *line;
		uint32_t device, mark, table;
	} cases[] = {
		{ "", 0, 51820, 51820 },
		{ "", 7, 7, 7 },
		{ "FwMark = 9\n", 0, 9, 9 },
		{ "FwMark = 9\n", 7, 9, 9 },
		{ "FwMark = off\n", 7, 51820, 51820 },
		{ "FwMark = 254\n", 0, 254, 51820 },
		{ "FwMark = 255\n", 0, 255, 51820 },
		{ "FwMark = 253\n", 0, 253, 51820 },
		{ "FwMark = 252\n", 0, 252, 252 },
		{ "FwMark = 256\n", 0, 256, 256 },
		{ "", 254, 254, 51820 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct wg_device device = { .fwmark = cases[i].device };

		configure(f, arena_printf(&f->arena, "[Interface]\n%s", cases[i].line));
		f->facts.device = &device;
		assert_int_equal(facts_fwmark(&f->facts, f->config), cases[i].mark);
		assert_int_equal(facts_default_table(&f->facts, f->config), cases[i].table);
	}
}

#define WITH_FACTS(test) cmocka_unit_test_setup_teardown(test, prepare, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FACTS(kinds_come_in_order),
		WITH_FACTS(finding_gives_the_first_of_a_kind_or_later),
		WITH_FACTS(the_chosen_mark_is_the_devices_and_the_configuration_stays),
		WITH_FACTS(without_a_default_route_no_mark_is_touched),
		WITH_FACTS(peers_are_added_to_those_of_the_device),
		WITH_FACTS(the_firewall_knows_every_address),
		WITH_FACTS(an_address_of_preup_is_known_once),
		WITH_FACTS(the_switch_remembers_what_it_was_and_stays),
		WITH_FACTS(rules_say_no_more_than_they_have_to),
		WITH_FACTS(routes_lead_into_the_tunnel),
		WITH_FACTS(operations_know_their_lines),
		WITH_FACTS(the_mark_is_the_files_else_the_devices_else_the_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
