/* SPDX-License-Identifier: MIT */
/*
 * What names a lease's place, packed and unpacked: each part comes out as it went in, and no other
 * bit answers for it.
 */

#include "shm/token.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

static void check_where(unsigned mark, uint64_t nonce, uint32_t class_, uint32_t slot)
{
	uint64_t where = where_pack(mark, nonce, class_, (struct slot_id){ slot });
	unsigned other;

	must(where_slot(where).n == slot, "slot %u in %#lx", slot, (unsigned long)where);
	must(where_class(where) == class_, "class %u in %#lx", class_, (unsigned long)where);
	must(where_is_in_arena(where, nonce), "nonce %#lx in %#lx", (unsigned long)nonce,
		(unsigned long)where);
	for (other = 0; other < 256; other++)
		must(where_has_mark(where, other) == (other == mark), "mark %#x in %#lx", other,
			(unsigned long)where);
	must(where == (((uint64_t)mark * 65536 + nonce % 65536) * 256 + class_) * 4294967296 + slot,
		"%#lx", (unsigned long)where);
}

Test(token, each_part_comes_out_as_it_went_in)
{
	static const uint32_t edges[] = { 0, 1, 0x7fffffff, 0x80000000, UINT32_MAX };
	struct dice d = { 91 };
	unsigned i, class_;

	for (i = 0; i < 5; i++)
		for (class_ = 0; class_ < 256; class_++) {
			check_where(TOKEN_MARK_LEASE, edges[i], class_, edges[4 - i]);
			check_where(TOKEN_MARK_TICKET, UINT64_MAX, class_, edges[i]);
			check_where(255, 0, class_, edges[i]);
		}
	for (i = 0; i < 100000; i++)
		check_where((unsigned)dice_below(&d, 256), dice_roll(&d),
			(uint32_t)dice_below(&d, 256), (uint32_t)dice_roll(&d));
}

Test(token, any_wrong_bit_is_noticed_by_the_part_that_it_is_in)
{
	uint64_t nonce = 0x123456789abcdef0, where, wrong;
	unsigned bit;

	where = where_pack(TOKEN_MARK_LEASE, nonce, 15, (struct slot_id){ 12345678 });
	for (bit = 0; bit < 64; bit++) {
		wrong = where ^ (uint64_t)1 << bit;
		must((where_slot(wrong).n != 12345678) == (bit < 32), "bit %u and the slot", bit);
		must((where_class(wrong) != 15) == (bit >= 32 && bit < 40), "bit %u and the class",
			bit);
		must(!where_is_in_arena(wrong, nonce) == (bit >= 40 && bit < 56),
			"bit %u and the nonce", bit);
		must(!where_has_mark(wrong, TOKEN_MARK_LEASE) == (bit >= 56), "bit %u and the mark",
			bit);
	}
}

Test(token, a_ticket_is_no_lease)
{
	struct slot_id slot = { 7 };

	cr_assert_not(where_has_mark(where_pack(TOKEN_MARK_TICKET, 1, 2, slot), TOKEN_MARK_LEASE));
	cr_assert_not(where_has_mark(where_pack(TOKEN_MARK_LEASE, 1, 2, slot), TOKEN_MARK_TICKET));
	/* Memory that was never a lease. */
	cr_assert_not(where_has_mark(0, TOKEN_MARK_LEASE));
	cr_assert_not(where_has_mark(0, TOKEN_MARK_TICKET));
	cr_assert_not(where_has_mark(UINT64_MAX, TOKEN_MARK_LEASE));
	cr_assert_not(where_has_mark(UINT64_MAX, TOKEN_MARK_TICKET));
}
