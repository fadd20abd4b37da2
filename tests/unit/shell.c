/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read off the text of hooks: facts, findings, and where nothing may be concluded. */
#include "wgq/conf/shell.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct file {
	struct arena arena;
	struct findings f;
	struct source source;
	struct config *c;
};

static void file_fini(struct file *x)
{
	arena_fini(&x->arena);
}

/* A file whose tunnel is 10.0.0.1/16 with a peer network, and these lines. */
static void load(struct file *x, const char *lines)
{
	const char *text;

	x->f.arena = &x->arena;
	text = arena_printf(&x->arena,
			    "[Interface]\nAddress = 10.0.0.1/16, fd00::1/64\n%s\n"
			    "[Peer]\nPublicKey = tJ8MEngY2D8fcS22p//vSb/5NiEfSVIqD0/qAb040Bg=\n"
			    "AllowedIPs = 10.0.0.2/32, 192.168.7.0/24, ::/0\n",
			    lines);
	x->source = (struct source){ .path = "wg0.conf", .text = { text, strlen(text) } };
	x->c = config_parse(&x->arena, &x->source, &x->f);
	assert_int_equal(findings_count(&x->f, SEV_ERROR), 0);
}

/* "on4 forward4 mesh4": the facts that hold. */
static const char *facts_of(struct file *x)
{
	struct shell_facts facts;
	const char *list = "";

	shell_read(&facts, x->c, "wg0");
	for (unsigned k = 0; k < 2; k++) {
		const struct {
			const char *name;
			bool holds;
		} all[] = { { "on", facts.switches_on[k] },
			    { "forward", facts.accepts_forward[k] },
			    { "mesh", facts.accepts_mesh[k] },
			    { "masquerade", facts.masquerades[k] } };

		for (size_t i = 0; i < ARRAY_SIZE(all); i++)
			if (all[i].holds)
				list = arena_printf(&x->arena, "%s%s%s%c", list, *list ? " " : "",
						    all[i].name, k ? '6' : '4');
	}
	return list;
}

/* "clobber <underlined> help | ...": the findings, in their order. */
static const char *findings_of(struct file *x)
{
	const char *list = "";

	x->f.n = 0;
	shell_check(&x->f, x->c, "wg0");
	for (size_t i = 0; i < x->f.n; i++) {
		const struct finding *v = &x->f.v[i];

		assert_int_equal(v->severity, SEV_WARNING);
		assert_non_null(v->help);
		list = arena_printf(&x->arena, "%s%s%s <%.*s> %s", list, *list ? " | " : "",
				    strchr(finding_code_name(v->code), '-') + 1, (int)v->at.length,
				    v->at.text.p + v->at.column - 1, v->help);
	}
	return list;
}

struct vector {
	const char *lines;
	const char *expected;
};

#define UP   "PostUp = "
#define DOWN "\nPostDown = "

static void check(const struct vector *v, size_t n, const char *(*of)(struct file *x))
{
	size_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		struct file x CLEANUP(file_fini) = { 0 };
		const char *got;

		load(&x, v[i].lines);
		got = of(&x);
		if (!strcmp(got, v[i].expected))
			continue;
		bad++;
		print_error("%s\n  expected: %s\n  got:      %s\n", v[i].lines, v[i].expected, got);
	}
	assert_int_equal(bad, 0);
}

/* --- facts --- */

static void switches_are_read(void **state)
{
	static const struct vector vectors[] = {
		{ "", "" },
		{ UP "sysctl -w net.ipv4.ip_forward=1", "on4" },
		{ UP "sysctl net.ipv4.ip_forward=1", "on4" },
		{ UP "sysctl -q -w net/ipv4/ip_forward=1", "on4" },
		{ UP "sudo /usr/sbin/sysctl -qw net.ipv4.conf.all.forwarding=1", "on4" },
		{ UP "sysctl -w net.ipv4.conf.%i.forwarding=1", "on4" },
		{ UP "sysctl -w net.ipv4.conf.wg0.forwarding='1'", "on4" },
		{ UP "sysctl -w net.ipv4.conf.wg1.forwarding=1", "" },
		{ UP "sysctl -w net.ipv4.conf.default.forwarding=1", "on4" },
		{ UP "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1", "on4 on6" },
		{ UP "sysctl -w net.ipv6.conf.%i.force_forwarding=1", "on6" },
		{ UP "sysctl -w net.ipv6.conf.%i.forwarding=1", "" },
		{ UP "sysctl -w net.ipv4.ip_forward=1; sysctl -w net.ipv4.ip_forward=0", "" },
		{ UP "sysctl -w net.ipv4.ip_forward=$ON", "" },
		{ UP "sysctl -w net.ipv4.ip_forward", "" },
		{ UP "sysctl -p", "" },
		{ UP "echo 1 > /proc/sys/net/ipv4/ip_forward", "on4" },
		{ UP "echo -n \"1\" >/proc/sys/net/ipv4/ip_forward", "on4" },
		{ UP "echo 1 | tee /proc/sys/net/ipv6/conf/all/forwarding > /dev/null", "on6" },
		{ UP "echo 1 2> /proc/sys/net/ipv4/ip_forward", "" },
		{ UP "echo 0 > /proc/sys/net/ipv4/ip_forward", "" },
		{ UP "echo net.ipv4.ip_forward=1 >> /etc/sysctl.conf", "" },
		{ UP "# sysctl -w net.ipv4.ip_forward=1", "" },
		{ UP "true # ; sysctl -w net.ipv4.ip_forward=1", "" },
		{ UP "echo 'sysctl -w net.ipv4.ip_forward=1'", "" },
		{ UP "true#; sysctl -w net.ipv4.ip_forward=1", "on4" },
		{ UP "ip netns exec x sysctl -w net.ipv4.ip_forward=1", "" },
		{ "PreUp = sysctl -w net.ipv4.ip_forward=1", "on4" },
		{ "PreDown = sysctl -w net.ipv4.ip_forward=1", "" },
		{ "PostDown = sysctl -w net.ipv4.ip_forward=1", "" },
	};

	(void)state;
	check(vectors, ARRAY_SIZE(vectors), facts_of);
}

static void accepts_of_iptables_are_read(void **state)
{
	static const struct vector vectors[] = {
		{ UP "sysctl -w net.ipv4.ip_forward=1; iptables -A FORWARD -i wg0 -j ACCEPT",
		  "on4 forward4 mesh4" },
		{ UP "iptables -A FORWARD -i %i -j ACCEPT", "forward4 mesh4" },
		{ UP "iptables -w -I FORWARD 1 -j ACCEPT -i wg0", "forward4 mesh4" },
		{ UP "iptables -w 5 -t filter -I FORWARD --in-interface=wg0 --jump ACCEPT",
		  "forward4 mesh4" },
		{ UP "iptables -IFORWARD -iwg0 -jACCEPT", "forward4 mesh4" },
		{ UP "ip6tables-nft --append FORWARD -i wg+ -j ACCEPT", "forward6 mesh6" },
		{ UP "iptables -A FORWARD -j ACCEPT", "forward4 mesh4" },
		{ UP "iptables -A FORWARD -i wg0 -s 0/0 -p all -j ACCEPT", "forward4 mesh4" },
		{ UP "iptables -I DOCKER-USER -i wg0 -j ACCEPT", "forward4 mesh4" },
		{ UP "iptables -A FORWARD -i wg0 -m comment --comment \"for us; all\" -j ACCEPT",
		  "forward4 mesh4" },
		{ UP "iptables -A FORWARD -i wg0 -o wg0 -j ACCEPT", "mesh4" },
		{ UP "iptables -A FORWARD -o wg0 -j ACCEPT", "mesh4" },
		{ UP "iptables -A FORWARD -i wg0 -o eth0 -j ACCEPT", "" },
		{ UP "iptables -A FORWARD -i wg1 -j ACCEPT", "" },
		{ UP "iptables -A FORWARD ! -i wg0 -j ACCEPT", "" },
		{ UP "iptables -A FORWARD -i ! wg0 -j ACCEPT", "" },
		{ UP "iptables -A FORWARD -i wg0 -p tcp -j ACCEPT", "" },
		{ UP "iptables -A FORWARD -i wg0 -d 10.0.0.0/16 -j ACCEPT", "" },
		{ UP "iptables -A FORWARD -i wg0 -m mark --mark 1 -j ACCEPT", "" },
		{ UP "iptables -A FORWARD -i wg0 -m state --state RELATED,ESTABLISHED -j ACCEPT",
		  "" },
		{ UP "iptables -A FORWARD -i wg0 -j DROP", "" },
		{ UP "iptables -A FORWARD -i wg0 -j LOG", "" },
		{ UP "iptables -A FORWARD -i wg0 -j ACCEPT extra", "" },
		{ UP "iptables -A INPUT -i wg0 -j ACCEPT", "" },
		{ UP "iptables -t mangle -A FORWARD -i wg0 -j ACCEPT", "" },
		{ UP "iptables -D FORWARD -i wg0 -j ACCEPT", "" },
		{ UP "iptables -C FORWARD -i wg0 -j ACCEPT", "" },
		{ UP "iptables -A FORWARD -i wg0 -j ACCEPT; iptables -D FORWARD -i wg0 -j ACCEPT",
		  "" },
		{ UP "iptables -A FORWARD -i wg0 -j ACCEPT; iptables -F", "" },
		{ UP "iptables -P FORWARD ACCEPT", "" },
		{ "PostDown = iptables -A FORWARD -i wg0 -j ACCEPT", "" },
	};

	(void)state;
	check(vectors, ARRAY_SIZE(vectors), facts_of);
}

static void only_what_runs_for_certain_counts(void **state)
{
#define ACCEPT "iptables -A FORWARD -i wg0 -j ACCEPT"
	static const struct vector vectors[] = {
		{ UP "ip link show wg0 && " ACCEPT, "forward4 mesh4" },
		{ UP "sleep 1 && sysctl -w net.ipv4.ip_forward=1 && " ACCEPT " || true",
		  "on4 forward4 mesh4" },
		{ UP "iptables -C FORWARD -i wg0 -j ACCEPT || " ACCEPT, "forward4 mesh4" },
		{ UP "iptables -D FORWARD -i wg0 -j ACCEPT || true; " ACCEPT, "forward4 mesh4" },
		{ UP ACCEPT " 2>/dev/null", "forward4 mesh4" },
		{ UP ACCEPT " &> /dev/null &", "forward4 mesh4" },
		{ UP "LC_ALL=C " ACCEPT, "forward4 mesh4" },
		{ UP "command sudo -n /sbin/" ACCEPT, "forward4 mesh4" },
		{ UP "ip rule add table $(cat /x) && " ACCEPT, "forward4 mesh4" },
		{ UP "[ -f /etc/relay ] && " ACCEPT, "" },
		{ UP "[ -f /etc/relay ] || " ACCEPT, "" },
		{ UP "test -f /etc/relay || exit 0; " ACCEPT, "" },
		{ UP "/opt/is-relay && " ACCEPT, "" },
		{ UP "if [ -f /etc/relay ]; then " ACCEPT "; fi", "" },
		{ UP "for t in 1; do " ACCEPT "; done", "" },
		{ UP "if true; then :; fi; " ACCEPT, "forward4 mesh4" },
		{ UP "( " ACCEPT " )", "" },
		{ UP "{ " ACCEPT "; }", "" },
		{ UP "! " ACCEPT, "" },
		{ UP "f() { " ACCEPT "; }", "" },
		{ UP "case %i in wg0) " ACCEPT ";; esac", "" },
		{ UP ACCEPT "; echo 'no end", "" },
		{ UP ACCEPT " )", "" },
		{ UP "eval " ACCEPT, "" },
		{ UP "bash -c '" ACCEPT "'", "" },
		{ UP "iptables -A FORWARD -i $WG -j ACCEPT", "" },
		{ UP "iptables -A FORWARD -i \"${INTERFACE}\" -j ACCEPT", "" },
		{ UP "iptables -A FORWARD -i `cat /x` -j ACCEPT", "" },
		{ UP "ip{,6}tables -A FORWARD -i wg0 -j ACCEPT", "" },
		{ UP "$IPT -A FORWARD -i wg0 -j ACCEPT", "" },
		{ UP "ip \"tables\" -A FORWARD -i wg0 -j ACCEPT", "" },
		{ UP "ip'tables' -\"A\" FORWARD -i w\\g0 -j ACCEPT", "forward4 mesh4" },
		{ UP "iptables -A FORWARD -i '%i' -j \"ACCEPT\"", "forward4 mesh4" },
		{ UP "echo \"$(iptables -A FORWARD -i wg0 -j ACCEPT; echo ')')\"; " ACCEPT,
		  "forward4 mesh4" },
	};
#undef ACCEPT

	(void)state;
	check(vectors, ARRAY_SIZE(vectors), facts_of);
}

static void masquerades_and_other_tools_are_read(void **state)
{
	static const struct vector vectors[] = {
		{ UP "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE", "masquerade4" },
		{ UP "iptables -t nat -A POSTROUTING -j MASQUERADE", "masquerade4" },
		{ UP "iptables -tnat -A POSTROUTING -s 10.0.0.0/16 ! -o %i -j MASQUERADE",
		  "masquerade4" },
		{ UP "iptables -t nat -A POSTROUTING -s 10.0.0.1/255.0.0.0 -o eth+ -j MASQUERADE",
		  "masquerade4" },
		{ UP "ip6tables --table nat -I POSTROUTING -s fd00::/64 -o eth0 -j MASQUERADE",
		  "masquerade6" },
		{ UP "iptables -t nat -A POSTROUTING -s 10.0.0.2 -o eth0 -j MASQUERADE", "" },
		{ UP "iptables -t nat -A POSTROUTING -s 10.1.0.0/16 -o eth0 -j MASQUERADE", "" },
		{ UP "iptables -t nat -A POSTROUTING -o wg0 -j MASQUERADE", "" },
		{ UP "iptables -t nat -A POSTROUTING -p udp -o eth0 -j MASQUERADE", "" },
		{ UP "iptables -t nat -A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.1", "" },
		{ UP "iptables -A POSTROUTING -o eth0 -j MASQUERADE", "" },
		{ UP "iptables -t nat -A PREROUTING -o eth0 -j MASQUERADE", "" },
		{ UP "nft add rule ip filter FORWARD iifname \"wg0\" counter accept",
		  "forward4 mesh4" },
		{ UP "nft 'add rule inet filter forward iifname \"wg0\" oifname \"wg0\" accept'",
		  "mesh4 mesh6" },
		{ UP "nft insert rule ip6 filter forward iif %i accept comment '\"us\"'",
		  "forward6 mesh6" },
		{ UP "nft insert rule filter forward handle 4 iifname \"wg*\" accept",
		  "forward4 mesh4" },
		{ UP "nft add rule inet nat postrouting oifname eth0 masquerade",
		  "masquerade4 masquerade6" },
		{ UP "nft add rule ip nat POSTROUTING ip saddr 10.0.0.0/16 oifname eth0 masquerade",
		  "masquerade4" },
		{ UP "nft add rule inet filter forward iifname wg0 tcp dport 80 accept", "" },
		{ UP "nft add rule inet filter forward iifname != wg0 accept", "" },
		{ UP "nft add rule inet filter forward iifname { wg0, wg1 } accept", "" },
		{ UP "nft add rule inet filter input iifname wg0 accept", "" },
		{ UP "nft add rule inet filter forward iifname wg0 ct state established accept",
		  "" },
		{ UP "nft -f /etc/wg.nft", "" },
		{ UP "ufw route allow in on wg0", "forward4 mesh4 forward6 mesh6" },
		{ UP "ufw --force route insert 1 allow in on wg0 out on wg0 comment 'a mesh'",
		  "mesh4 mesh6" },
		{ UP "ufw route allow in on wg0 out on eth0 from any to any", "" },
		{ UP "ufw route allow in on wg0 from 10.0.0.0/16", "" },
		{ UP "ufw route deny in on wg0", "" },
		{ UP "ufw allow in on wg0", "" },
		{ UP "firewall-cmd --zone=trusted --add-interface=wg0", "" },
	};

	(void)state;
	check(vectors, ARRAY_SIZE(vectors), facts_of);
}

/* --- findings --- */

#define SEED_UP   "sysctl -w net.ipv4.ip_forward=1; iptables -A FORWARD -i wg0 -j ACCEPT"
#define SEED_DOWN "sysctl -w net.ipv4.ip_forward=0; iptables -D FORWARD -i wg0 -j ACCEPT"
#define NAT_UP    "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE"
#define NAT_DOWN  "iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE"

static void forwarding_turned_off_is_found(void **state)
{
	static const struct vector vectors[] = {
		{ UP SEED_UP DOWN SEED_DOWN,
		  "clobber <sysctl -w net.ipv4.ip_forward=0> write Forward "
		  "= yes instead of PostUp and PostDown" },
		{ "PostDown = sysctl -w net.ipv4.ip_forward=0; x",
		  "clobber <sysctl -w net.ipv4.ip_forward=0> delete this command" },
		{ "PreDown = true && echo 0 > /proc/sys/net/ipv4/ip_forward",
		  "clobber <echo 0 > /proc/sys/net/ipv4/ip_forward> delete this command" },
		{ "PreDown = true && echo 0 | tee /proc/sys/net/ipv4/ip_forward",
		  "clobber <tee /proc/sys/net/ipv4/ip_forward> delete this command" },
		{ "PostDown = sysctl -q net.ipv6.conf.all.forwarding=0",
		  "clobber <sysctl -q net.ipv6.conf.all.forwarding=0> delete this command" },
		{ "PostDown = sysctl -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0",
		  "clobber <sysctl -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0> "
		  "delete this command" },
		{ "PostDown = sysctl -w net.ipv4.conf.all.forwarding=0\n"
		  "PostDown = sysctl -w net.ipv6.conf.all.forwarding=0",
		  "clobber <sysctl -w net.ipv4.conf.all.forwarding=0> delete this command | "
		  "clobber <sysctl -w net.ipv6.conf.all.forwarding=0> delete this command" },
		{ "PostDown = sysctl -w net.ipv4.conf.%i.forwarding=0", "" },
		{ "PostDown = sysctl -w net.ipv4.conf.eth0.forwarding=0", "" },
		{ "PostDown = sysctl -w net.ipv4.ip_forward=1", "" },
		{ "PostDown = sysctl -w net.ipv4.ip_forward=0; sysctl -w net.ipv4.ip_forward=1",
		  "" },
		{ "PostDown = sysctl -w net.ipv4.ip_forward=$OLD", "" },
		{ "PostDown = [ -e /run/last ] && sysctl -w net.ipv4.ip_forward=0", "" },
		{ "PostDown = if true; then sysctl -w net.ipv4.ip_forward=0; fi", "" },
		{ "PostDown = echo sysctl -w net.ipv4.ip_forward=0", "" },
		{ "PreUp = sysctl -w net.ipv4.ip_forward=0", "" },
		{ UP "sysctl -w net.ipv4.ip_forward=0", "" },
	};

	(void)state;
	check(vectors, ARRAY_SIZE(vectors), findings_of);
}

static void keys_that_do_the_same_are_named(void **state)
{
#define OFF           DOWN "sysctl -w net.ipv4.ip_forward=0"
#define NAT6(verb)    "ip6tables -t nat " verb " POSTROUTING -s fd00::/64 -o eth1 -j MASQUERADE"
#define NAT2(verb)    "iptables -t nat " verb " POSTROUTING -o eth1 -j MASQUERADE"
#define CLOBBER(help) "clobber <sysctl -w net.ipv4.ip_forward=0> " help
	static const struct vector vectors[] = {
		{ UP "sysctl -w net.ipv4.ip_forward=1" OFF,
		  CLOBBER("write Forward = yes instead of PostUp and PostDown") },
		{ UP
		  "sysctl -w net.ipv4.ip_forward=1; iptables -A FORWARD -i wg0 -o wg0 -j ACCEPT" OFF
		  "\nPreDown = iptables -D FORWARD -o %i -i %i -j ACCEPT",
		  CLOBBER("write Forward = mesh instead of PostUp, PreDown and PostDown") },
		{ UP SEED_UP "; " NAT_UP DOWN SEED_DOWN "; " NAT_DOWN,
		  CLOBBER("write Forward = yes and Masquerade = eth0 instead of PostUp and "
			  "PostDown") },
		{ UP SEED_UP "; " NAT_UP "; " NAT6("-A") "\n" UP NAT2("-I") DOWN SEED_DOWN
		  "; " NAT_DOWN "; " NAT6("-D") DOWN NAT2("-D"),
		  CLOBBER("write Forward = yes and Masquerade = eth0, eth1 instead of PostUp and "
			  "PostDown") },
		{ UP SEED_UP "; " NAT_UP DOWN SEED_DOWN "; iptables -F FORWARD || true",
		  "unbalanced <" NAT_UP "> write PostDown = " NAT_DOWN
		  " | " CLOBBER("delete this command") },
		{ UP "iptables -A FORWARD -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED -j "
		     "ACCEPT; " SEED_UP DOWN SEED_DOWN
		     "; iptables -D FORWARD -o wg0 -m conntrack --ctstate "
		     "RELATED,ESTABLISHED -j ACCEPT",
		  CLOBBER("write Forward = yes instead of PostUp and PostDown") },
		{ "Forward = yes\n" UP SEED_UP DOWN SEED_DOWN,
		  CLOBBER("delete PostUp and PostDown: Forward = yes does the same") },
		{ "Forward = mesh\n" UP SEED_UP DOWN SEED_DOWN,
		  CLOBBER("write Forward = yes instead of PostUp and PostDown") },
		{ "Firewall = off\n" UP SEED_UP DOWN SEED_DOWN, CLOBBER("delete this command") },
		{ UP SEED_UP "; iptables -A FORWARD -o wg0 -j ACCEPT" DOWN SEED_DOWN
			     "; iptables -D FORWARD -o wg0 -j ACCEPT",
		  CLOBBER("delete this command") },
		{ UP SEED_UP DOWN SEED_DOWN "; logger down", CLOBBER("delete this command") },
		{ UP SEED_UP "; iptables -A INPUT -i wg0 -j ACCEPT" DOWN SEED_DOWN
			     "; iptables -D INPUT -i wg0 -j ACCEPT",
		  CLOBBER("delete this command") },
		{ UP "iptables -t nat -A POSTROUTING -s 172.16.0.0/12 -o eth0 -j MASQUERADE" OFF
		     "; iptables -t nat -D POSTROUTING -s 172.16.0.0/12 -o eth0 -j MASQUERADE",
		  CLOBBER("delete this command") },
		{ UP "iptables -t nat -A POSTROUTING -s 192.168.7.0/25 -o eth0 -j MASQUERADE" OFF
		     "; iptables -t nat -D POSTROUTING -s 192.168.7.0/25 -o eth0 -j MASQUERADE",
		  CLOBBER("write Forward = yes and Masquerade = eth0 instead of PostUp and "
			  "PostDown") },
		{ UP "iptables -A FORWARD -i wg0 -j ACCEPT",
		  "unbalanced <iptables -A FORWARD -i wg0 -j ACCEPT> write Forward = yes instead "
		  "of "
		  "PostUp" },
	};
#undef OFF
#undef NAT6
#undef NAT2
#undef CLOBBER

	(void)state;
	check(vectors, ARRAY_SIZE(vectors), findings_of);
}

static void rules_that_stay_are_found(void **state)
{
	static const struct vector vectors[] = {
		{ UP "x; iptables -I INPUT 2 -i %i -j ACCEPT",
		  "unbalanced <iptables -I INPUT 2 -i %i -j ACCEPT> write PostDown = iptables -D "
		  "INPUT -i %i -j ACCEPT" },
		{ "PreUp = iptables -IINPUT -p tcp --dport 22 -j ACCEPT",
		  "unbalanced <iptables -IINPUT -p tcp --dport 22 -j ACCEPT> write PostDown = "
		  "iptables -DINPUT -p tcp --dport 22 -j ACCEPT" },
		{ UP "ip6tables --append=INPUT -m comment --comment \"a b\" -j DROP" DOWN "ip rule",
		  "unbalanced <ip6tables --append=INPUT -m comment --comment \"a b\" -j DROP> "
		  "write "
		  "PostDown = ip6tables -D INPUT -m comment --comment \"a b\" -j DROP" },
		{ UP "iptables -A INPUT -i wg0 -j ACCEPT" DOWN "iptables -D INPUT -i wg1 -j ACCEPT",
		  "unbalanced <iptables -A INPUT -i wg0 -j ACCEPT> write PostDown = iptables -D "
		  "INPUT -i wg0 -j ACCEPT" },
		{ UP "iptables -A INPUT -i wg0 -j ACCEPT" DOWN
		     "ip6tables -D INPUT -i wg0 -j ACCEPT",
		  "unbalanced <iptables -A INPUT -i wg0 -j ACCEPT> write PostDown = iptables -D "
		  "INPUT -i wg0 -j ACCEPT" },
		{ UP NAT_UP " && x" DOWN "iptables -D POSTROUTING -o eth0 -j MASQUERADE",
		  "unbalanced <" NAT_UP "> write PostDown = " NAT_DOWN },
		{ UP "iptables -A INPUT ! -i wg0 -j DROP" DOWN "iptables -D INPUT -i wg0 -j DROP",
		  "unbalanced <iptables -A INPUT ! -i wg0 -j DROP> write PostDown = iptables -D "
		  "INPUT ! -i wg0 -j DROP" },
		/* twice in, once out */
		{ UP NAT_UP "; " NAT_UP "; x" DOWN NAT_DOWN,
		  "unbalanced <" NAT_UP "> write PostDown = " NAT_DOWN },
		{ UP NAT_UP "\n" UP "iptables -A INPUT -i wg0 -j ACCEPT" DOWN "ip route",
		  "unbalanced <" NAT_UP "> write PostDown = " NAT_DOWN
		  " | unbalanced <iptables -A INPUT -i wg0 -j ACCEPT> write PostDown = iptables -D "
		  "INPUT -i wg0 -j ACCEPT" },
		{ UP "nft add table inet wg; nft add rule inet wg f accept; nft add rule inet wg f "
		     "drop",
		  "unbalanced <nft add table inet wg> write PostDown = nft delete table inet wg" },
		{ UP "nft add rule inet filter forward iifname wg0 tcp dport 80 accept",
		  "unbalanced <nft add rule inet filter forward iifname wg0 tcp dport 80 accept> "
		  "put "
		  "it into a table of its own, which PostDown deletes" },
		{ UP "nft add table inet wg" DOWN "nft delete table inet wh",
		  "unbalanced <nft add table inet wg> write PostDown = nft delete table inet wg" },
		{ UP "ufw route insert 1 allow in on wg0 out on eth0 comment wg",
		  "unbalanced <ufw route insert 1 allow in on wg0 out on eth0 comment wg> write "
		  "PostDown = ufw route delete allow in on wg0 out on eth0" },
		{ UP "ufw allow 51820/udp" DOWN "ufw delete allow 51821/udp",
		  "unbalanced <ufw allow 51820/udp> write PostDown = ufw delete allow 51820/udp" },
		{ UP "firewall-cmd -q --zone=public --add-port=51820/udp",
		  "unbalanced <firewall-cmd -q --zone=public --add-port=51820/udp> write PostDown "
		  "= "
		  "firewall-cmd -q --zone=public --remove-port=51820/udp" },
		/* what a help must not repeat */
		{ UP "iptables -A INPUT -m string --string "
		     "yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHs= -j DROP",
		  "unbalanced <iptables -A INPUT -m string --string "
		  "yJeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSHs= -j DROP> delete it in PostDown" },
		{ UP "iptables -A INPUT -m comment --comment '\x1b[31m' -j DROP",
		  "unbalanced <iptables -A INPUT -m comment --comment '\x1b[31m' -j DROP> delete "
		  "it "
		  "in PostDown" },
	};

	(void)state;
	check(vectors, ARRAY_SIZE(vectors), findings_of);
}

static void rules_that_go_are_not_spoken_of(void **state)
{
	static const struct vector vectors[] = {
		{ UP NAT_UP DOWN NAT_DOWN, "" },
		{ UP NAT_UP "\nPreDown = " NAT_DOWN, "" },
		{ UP NAT_UP DOWN NAT_DOWN " || true", "" },
		{ UP NAT_UP DOWN "if true; then " NAT_DOWN "; fi", "" },
		{ UP NAT_UP "; " NAT_UP DOWN "while " NAT_DOWN "; do :; done", "" },
		{ UP NAT_UP "; " NAT_UP DOWN NAT_DOWN "; " NAT_DOWN, "" },
		{ UP NAT_UP "; " NAT_DOWN, "" },
		{ UP NAT_UP DOWN
		  "iptables -w --delete POSTROUTING -j MASQUERADE --out-interface eth0 --table=nat",
		  "" },
		{ UP NAT_UP DOWN "iptables-nft -t nat -D POSTROUTING -o eth0 -j MASQUERADE", "" },
		{ UP NAT_UP DOWN "iptables -t nat -D POSTROUTING 1", "" },
		{ UP NAT_UP DOWN "iptables -t nat -F", "" },
		{ UP NAT_UP DOWN "iptables -t nat -F POSTROUTING", "" },
		{ UP "iptables -I FORWARD 1 -i %i -j ACCEPT" DOWN
		     "iptables -D FORWARD -i wg0 -j ACCEPT",
		  "" },
		{ UP "iptables -A FORWARD -i %i -s 10.0.0.1/24 -p TCP --dport 1:2 -j ACCEPT" DOWN
		     "iptables -D FORWARD -s 10.0.0.0/255.255.255.0 -p tcp -m tcp --dport 1:2 -j "
		     "ACCEPT "
		     "-i wg0",
		  "" },
		{ UP "iptables -A INPUT ! -i wg0 -j DROP" DOWN "iptables -D INPUT -i ! wg0 -j DROP",
		  "" },
		{ UP "iptables -A INPUT -m mark ! --mark 0x1 ! -o x -j DROP" DOWN
		     "iptables -D INPUT ! -o x -m mark ! --mark 0x1 -j DROP",
		  "" },
		/* what cannot be read may have deleted it */
		{ UP NAT_UP DOWN "/etc/wireguard/down.sh", "" },
		{ UP NAT_UP DOWN "iptables -t nat -D POSTROUTING -o $(cat /x) -j MASQUERADE", "" },
		{ UP NAT_UP DOWN
		  "for i in a; do iptables -t nat -D POSTROUTING -o $i -j MASQUERADE; done",
		  "" },
		{ UP NAT_UP DOWN "iptables-restore < /etc/saved", "" },
		{ UP NAT_UP DOWN "nft flush ruleset", "" },
		{ UP NAT_UP DOWN "nft flush chain ip nat POSTROUTING", "" },
		{ UP NAT_UP DOWN "systemctl restart docker", "" },
		{ UP NAT_UP DOWN "case x in x) ;; esac", "" },
		{ UP NAT_UP DOWN "bash -c '" NAT_DOWN "'", "" },
		/* what may not have been added */
		{ UP "[ -f /x ] && " NAT_UP, "" },
		{ UP "if true; then " NAT_UP "; fi", "" },
		{ UP "iptables -t nat -A POSTROUTING -o $(cat /x) -j MASQUERADE", "" },
		{ UP "ip netns exec x " NAT_UP, "" },
		{ UP
		  "iptables -N WG; iptables -P INPUT DROP; iptables -L; iptables -C INPUT -j DROP",
		  "" },
		{ DOWN NAT_UP, "" },
		/* other tools */
		{ UP "nft add table inet wg; nft add rule inet wg f accept" DOWN
		     "nft delete table inet wg",
		  "" },
		{ UP
		  "nft 'add table inet wg; add chain inet wg f { type filter hook forward priority "
		  "0; }; add rule inet wg f accept'" DOWN "nft 'destroy table inet wg'",
		  "" },
		{ UP "nft add table inet wg '{ chain f { type filter hook forward priority 0; }; "
		     "}'" DOWN "nft flush table inet wg",
		  "" },
		{ UP "nft add rule inet filter forward accept" DOWN
		     "nft delete rule inet filter forward handle $(cat /run/handle)",
		  "" },
		{ UP "nft add rule inet filter forward accept" DOWN
		     "nft flush chain inet filter forward",
		  "" },
		{ UP "nft -f /etc/wg.nft" DOWN "nft delete table inet wg", "" },
		{ UP "nft add element inet filter peers { 10.0.0.1 }", "" },
		{ UP "ufw route allow in on wg0 out on eth0 comment wg" DOWN
		     "ufw route delete allow in on wg0 out on eth0",
		  "" },
		{ UP "ufw insert 1 allow 51820/udp" DOWN "ufw --force delete allow 51820/udp", "" },
		{ UP "ufw allow 51820/udp" DOWN "ufw --force delete 3", "" },
		{ UP "ufw reload", "" },
		{ UP "firewall-cmd --add-port=51820/udp --zone public" DOWN
		     "firewall-cmd --zone=public --remove-port 51820/udp",
		  "" },
		{ UP "firewall-cmd --add-masquerade" DOWN "firewall-cmd --reload", "" },
		{ UP "firewall-cmd --zone=trusted --add-interface=%i", "" },
		{ UP "firewall-cmd --add-port=1/udp --timeout=1m", "" },
		{ UP "ip route add 10.9.0.0/16 dev %i; wg set %i fwmark 7", "" },
		{ UP "echo iptables -A INPUT -j ACCEPT", "" },
	};

	(void)state;
	check(vectors, ARRAY_SIZE(vectors), findings_of);
}

static void places_are_the_commands_in_the_file(void **state)
{
	struct file x CLEANUP(file_fini) = { 0 };

	(void)state;
	load(&x, " PostUp =  echo %i  ;iptables -A INPUT -i %i -j DROP  2>&1 # x\n"
		 "PostDown = echo %i; sysctl -w net.ipv4.ip_forward=0 | cat");
	shell_check(&x.f, x.c, "a-longer-name");
	assert_int_equal(x.f.n, 2);
	assert_int_equal(x.f.v[0].at.line, 3);
	assert_int_equal(x.f.v[0].at.column, 22);
	assert_int_equal(x.f.v[0].at.length, strlen("iptables -A INPUT -i %i -j DROP  2>&1"));
	assert_int_equal(x.f.v[1].at.line, 4);
	assert_int_equal(x.f.v[1].at.column, 21);
	assert_int_equal(x.f.v[1].at.length, strlen("sysctl -w net.ipv4.ip_forward=0"));
}

/* Whatever the bytes, an end is found. */
static void every_beginning_of_a_hook_is_read(void **state)
{
	static const char text[] =
		"sudo -n iptables -t nat -A X ! -i \"$(a 'b' `c` ${d})\" -s 1/2 "
		"|| { nft 'add rule inet a b { c; } d'; } && (ufw route insert 1 "
		"allow in on) <(x) 2>&1 &> y <<< z $((1+2)) \\ #; case";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		for (size_t from = 0; from < n; from += 7) {
			struct file x CLEANUP(file_fini) = { 0 };
			const char *line;

			x.f.arena = &x.arena;
			line = arena_printf(&x.arena, UP "%.*s" DOWN "%.*s", (int)(n - from),
					    text + from, (int)(n - from), text + from);
			load(&x, line);
			facts_of(&x);
			findings_of(&x);
		}
	}
}

/* Nobody writes such a file, but it is read in time. */
static void a_huge_file_takes_no_time(void **state)
{
	enum { HOOKS_MANY = 20000, WORDS_MANY = 20000 };
	static char text[HOOKS_MANY * 128 + WORDS_MANY * 4];
	struct file x CLEANUP(file_fini) = { 0 };
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < HOOKS_MANY; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      UP "iptables -A INPUT -s 10.0.%u.%u -j DROP\n"
					 "PostDown = iptables -D INPUT -s 10.0.%u.%u -j DROP\n",
				      i / 256, i % 256, i / 256, i % 256);
	n += (size_t)snprintf(text + n, sizeof(text) - n, UP "iptables -A INPUT --x");
	for (unsigned i = 0; i < WORDS_MANY; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " a");
	load(&x, text);
	assert_string_equal(findings_of(&x), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(switches_are_read),
		cmocka_unit_test(accepts_of_iptables_are_read),
		cmocka_unit_test(only_what_runs_for_certain_counts),
		cmocka_unit_test(masquerades_and_other_tools_are_read),
		cmocka_unit_test(forwarding_turned_off_is_found),
		cmocka_unit_test(keys_that_do_the_same_are_named),
		cmocka_unit_test(rules_that_stay_are_found),
		cmocka_unit_test(rules_that_go_are_not_spoken_of),
		cmocka_unit_test(places_are_the_commands_in_the_file),
		cmocka_unit_test(every_beginning_of_a_hook_is_read),
		cmocka_unit_test(a_huge_file_takes_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
