/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/kernel/resolve.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <time.h>

enum {
	THREADS_MAX = 64,
	/* The resolver keeps its packets on the stack; the rest is for what nsswitch.conf loads. */
	STACK_SIZE = 256 * 1024,

	FIRST_DELAY_US = 1000000,
	LONGEST_DELAY_US = 20000000,
};

struct work {
	struct resolve *names;
	size_t n, next;
	int retries;
	void (*progress)(const struct resolve *, unsigned delay_ms);
	pthread_mutex_t lock; /* of next and of progress */
};

static bool take_first(union endpoint *result, const struct addrinfo *found)
{
	union endpoint e = { 0 };

	if (found->ai_addrlen > sizeof(e) ||
	    (found->ai_family != AF_INET && found->ai_family != AF_INET6))
		return false;
	memcpy(&e, found->ai_addr, found->ai_addrlen);
	*result = e;
	return true;
}

static void look_up(struct resolve *name, int flags)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_DGRAM,
					.ai_protocol = IPPROTO_UDP,
					.ai_flags = flags };
	struct addrinfo *found = NULL;

	name->error = getaddrinfo(name->host, name->service, &hints, &found);
	if (name->error)
		return;
	if (!take_first(name->result, found))
		name->error = EAI_FAMILY;
	freeaddrinfo(found);
}

/* A port that no service has stays wrong, however often it is looked up. */
static bool is_temporary(int error)
{
	static const int permanent[] = { 0, EAI_NONAME, EAI_FAIL, EAI_NODATA, EAI_SERVICE };

	for (size_t i = 0; i < ARRAY_SIZE(permanent); i++) {
		if (permanent[i] == error)
			return false;
	}
	return true;
}

static void wait_us(unsigned us)
{
	struct timespec left = { .tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void resolve_one(struct work *w, struct resolve *name)
{
	unsigned delay = FIRST_DELAY_US;

	look_up(name, 0);
	for (int k = 0; is_temporary(name->error) && (w->retries < 0 || k < w->retries); k++) {
		if (w->progress) {
			pthread_mutex_lock(&w->lock);
			w->progress(name, delay / 1000);
			pthread_mutex_unlock(&w->lock);
		}
		wait_us(delay);
		look_up(name, 0);
		delay = delay * 6 / 5;
		if (delay > LONGEST_DELAY_US)
			delay = LONGEST_DELAY_US;
	}
}

/* Was it no number? What service it is needs no network either. */
static bool needs_network(const struct resolve *name)
{
	return name->error && name->error != EAI_SERVICE;
}

/* The next name that its digits alone did not resolve, or NULL. */
static struct resolve *next_name(struct work *w)
{
	struct resolve *name = NULL;

	pthread_mutex_lock(&w->lock);
	while (w->next < w->n && !name) {
		name = &w->names[w->next++];
		if (!needs_network(name))
			name = NULL;
	}
	pthread_mutex_unlock(&w->lock);
	return name;
}

static void *run(void *data)
{
	struct work *w = data;
	struct resolve *name;

	while ((name = next_name(w)))
		resolve_one(w, name);
	return NULL;
}

/* Starts up to that many; returns how many there are, which may be none. */
static size_t start_threads(struct work *w, pthread_t *threads, size_t wanted)
{
	pthread_attr_t attr;
	size_t n = 0;

	if (pthread_attr_init(&attr))
		return 0;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	while (n < wanted && !pthread_create(&threads[n], &attr, run, w))
		n++;
	pthread_attr_destroy(&attr);
	return n;
}

void resolve_all(struct resolve *names, size_t n, int retries,
		 void (*progress)(const struct resolve *, unsigned delay_ms))
{
	struct work w = { .names = names, .n = n, .retries = retries, .progress = progress };
	pthread_t threads[THREADS_MAX];
	size_t wanted = 0, started;

	for (size_t i = 0; i < n; i++) {
		look_up(&names[i], AI_NUMERICHOST);
		wanted += needs_network(&names[i]);
	}
	if (!wanted)
		return;
	pthread_mutex_init(&w.lock, NULL);
	wanted--; /* one is ours */
	started = start_threads(&w, threads, wanted < THREADS_MAX ? wanted : THREADS_MAX);
	run(&w);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&w.lock);
}

int resolve_retries(int *retries, bool *set)
{
	const char *text = getenv("WG_ENDPOINT_RESOLUTION_RETRIES");
	unsigned long n;
	char *end;

	*set = text != NULL;
	*retries = 0;
	if (!text)
		return 0;
	if (!strcmp(text, "infinity")) {
		*retries = -1;
		return 0;
	}
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n > INT_MAX)
		return -EINVAL;
	*retries = (int)n;
	return 0;
}
