/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <cmocka.h>

/* In place of libc's, in both its forms: counts what is wiped. */
void __explicit_bzero_chk(void *p, size_t n, size_t room);
static size_t wiped;

void explicit_bzero(void *p, size_t n)
{
	memset(p, 0, n);
	wiped += n;
}

void __explicit_bzero_chk(void *p, size_t n, size_t room)
{
	assert_true(n <= room);
	explicit_bzero(p, n);
}

static void all_that_was_handed_out_is_wiped(void **state)
{
	struct arena a = { 0 };
	size_t given = 0;

	(void)state;
	for (size_t size = 1; size < 100000; size = 2 * size + 1) {
		arena_alloc(&a, size);
		arena_alloc(&a, 16);
		given += size + 16;
	}
	wiped = 0;
	arena_fini(&a);
	assert_true(wiped >= given);
}

static void memory_is_zeroed_aligned_and_apart(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	unsigned char *previous = NULL;

	(void)state;
	for (size_t size = 1; size < 3000; size += 7) {
		unsigned char *p = arena_alloc(&a, size);

		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		if (previous)
			assert_int_equal(*previous, 0xff);
		previous = p;
	}
}

static void a_piece_larger_than_a_block_gets_one_of_its_own(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	char *small = arena_strndup(&a, "small", 5);
	char *large = arena_alloc(&a, 1 << 20);
	char *after = arena_strndup(&a, "after", 5);

	(void)state;
	memset(large, 'x', 1 << 20);
	assert_string_equal(small, "small");
	assert_string_equal(after, "after");
}

static void arrays_grow_and_keep_their_elements(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	size_t *v = NULL, n = 0, capacity = 0, *w = NULL, m = 0, room = 0;

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		*ARENA_PUSH(&a, v, n, capacity) = i;
		if (i % 3 == 0) /* now and then in between, so that it cannot grow in place */
			*ARENA_PUSH(&a, w, m, room) = i;
	}
	assert_int_equal(n, 5000);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(v[i], i);
	for (size_t i = 0; i < m; i++)
		assert_int_equal(w[i], 3 * i);
}

static void new_elements_are_zero_in_place_or_moved(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct {
		uint64_t x[5];
	} *v = NULL;
	size_t n = 0, capacity = 0;

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		memset(ARENA_PUSH(&a, v, n, capacity), 0xff, sizeof(*v));
		if (i % 700 == 699)
			memset(arena_alloc(&a, 24), 0xff, 24);
		for (size_t rest = n; rest < capacity && rest < n + 3; rest++)
			assert_int_equal(v[rest].x[4], 0);
	}
}

static void the_last_array_grows_in_place(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	char *v = NULL, *first;
	size_t n = 0, capacity = 0;

	(void)state;
	*ARENA_PUSH(&a, v, n, capacity) = 'x';
	first = v;
	while (n < 1000)
		*ARENA_PUSH(&a, v, n, capacity) = 'x';
	assert_ptr_equal(v, first);
}

static void text_is_copied_and_terminated(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };

	(void)state;
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(&a, "", 0), "");
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 42), "x-42");
	assert_int_equal(strlen(arena_printf(&a, "%*s", 40000, "")), 40000);
}

static void an_emptied_arena_can_be_used_again(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	arena_fini(&a);
	arena_strndup(&a, "x", 1);
	arena_fini(&a);
	assert_string_equal(arena_strndup(&a, "y", 1), "y");
	arena_fini(&a);
	assert_null(a.head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_was_handed_out_is_wiped),
		cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(a_piece_larger_than_a_block_gets_one_of_its_own),
		cmocka_unit_test(arrays_grow_and_keep_their_elements),
		cmocka_unit_test(new_elements_are_zero_in_place_or_moved),
		cmocka_unit_test(the_last_array_grows_in_place),
		cmocka_unit_test(text_is_copied_and_terminated),
		cmocka_unit_test(an_emptied_arena_can_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
