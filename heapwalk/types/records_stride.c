/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * After how many words does it repeat? Words are compared with those a lag further on; agreement by chance is
 * taken off. The shortest lag that does nearly as well as the best is the period, since all multiples do as
 * well. Where pointers lead to must agree: two records that look alike could be one, but pointers lead to
 * starts.
 */
#include "heapwalk/types/records.h"

#define LEAST_QUALITY   0.55 /* below that it is no period */
#define AS_GOOD         0.93 /* of the best: as good */
#define SAME_EVERYWHERE 0.80 /* of the best, one word further on: no records but one kind of words */
#define LEAST_TARGETS   12   /* for pointers to say anything, */
#define MANY_TARGETS    24   /* and to say that what repeats is only a part of the record */
#define AGREEING        0.90 /* share of them that lead to starts */
#define CONTRADICTING   0.60 /* below that they contradict */
#define MOST_MULTIPLE   16

/* What the words of a sample say: the rarer the more. And what of them agrees by chance. */
struct weights {
	uint16_t of[HW_RECORD_SAMPLE];
	uint32_t before[HW_RECORD_SAMPLE + 1]; /* sums of those before each */
	double chance;
};

static void weigh(const uint8_t *symbols, size_t count, struct weights *weights)
{
	uint32_t seen[256] = { 0 };
	double all = 0, equal = 0;

	for (size_t i = 0; i < count; i++)
		seen[symbols[i]]++;
	for (size_t i = 0; i < 256; i++) {
		double share = (double)seen[i] / (double)count;

		all += share * (1 - share);
		equal += share * share * (1 - share);
	}
	weights->chance = all > 0 ? equal / all : 1;
	weights->before[0] = 0;
	for (size_t i = 0; i < count; i++) {
		weights->of[i] = (uint16_t)(1000 * (count - seen[symbols[i]]) / count);
		weights->before[i + 1] = weights->before[i] + weights->of[i];
	}
}

/* 0: as by chance; 1: every word is as the one a lag further on. */
static double quality_of(const uint8_t *symbols, size_t count, size_t lag, const struct weights *weights)
{
	uint32_t all = weights->before[count - lag], equal = 0;

	for (size_t i = 0; i < count - lag; i++)
		equal += symbols[i] == symbols[i + lag] ? weights->of[i] : 0;
	if (!all || weights->chance >= 1)
		return 0;
	return ((double)equal / (double)all - weights->chance) / (1 - weights->chance);
}

/* ----------------------------------------------------------------------------------------------------
 * targets
 */

/* The share of the targets that fall on one residue, and which. */
static double concentration(const uint32_t *targets, size_t count, uint32_t stride, uint32_t *residue)
{
	uint32_t seen[HW_RECORD_LONGEST * MOST_MULTIPLE] = { 0 };

	*residue = 0;
	for (size_t i = 0; i < count; i++)
		seen[targets[i] % stride]++;
	for (uint32_t i = 1; i < stride; i++) {
		if (seen[i] > seen[*residue])
			*residue = i;
	}
	return (double)seen[*residue] / (double)count;
}

/*
 * What pointers say of a stride. False: they contradict. The longest multiple that they all agree with is
 * the stride: what is shorter is a period within the record. Two words they always agree with, because of
 * malloc's alignment, so that says nothing.
 */
static bool ask_targets(struct hw_record_stride *stride, const uint32_t *targets, size_t count, size_t words)
{
	uint32_t residue, period = stride->words;

	if (count < LEAST_TARGETS)
		return true;
	if (concentration(targets, count, period, &residue) < CONTRADICTING)
		return false;
	for (uint32_t times = 1; times <= (count < MANY_TARGETS ? 1 : MOST_MULTIPLE); times++) {
		uint32_t longer = period * times;

		if (longer > HW_RECORD_LONGEST || (times > 1 && longer * HW_RECORD_LEAST > words))
			break;
		if (concentration(targets, count, longer, &residue) < AGREEING)
			continue;
		stride->words = longer;
		stride->phase = residue;
		stride->has_phase = stride->by_targets = longer > 2;
	}
	return true;
}

/* --------------------------------------------------------------------------------------------------
 * constants
 */

/* A column of pointers to constants: that is how objects of C++ classes begin, and tagged records. */
static void ask_constants(
	struct hw_record_stride *stride, const struct hw_record_words *words, size_t first, size_t count)
{
	uint32_t most = 0, column = 0, records = (uint32_t)(count / stride->words);

	for (uint32_t i = 0; i < stride->words; i++) {
		uint32_t seen = 0;

		for (size_t at = first + i; at < first + count; at += stride->words)
			seen += words->symbols[at] >= HW_RECORD_CONSTANT;
		if (seen > most) {
			most = seen;
			column = (uint32_t)((first + i) % stride->words);
		}
	}
	if (most < records / 2 || !most)
		return;
	if (!stride->has_phase) {
		stride->phase = column;
		stride->has_phase = true;
	}
	stride->by_constant = stride->phase == column;
}

/* ------------------------------------------------------------------------------------------------------
 * stride
 */

static struct hw_record_stride judge(const struct hw_record_words *words, size_t first, size_t count,
	uint32_t period, double quality, const uint32_t *targets, size_t target_count)
{
	struct hw_record_stride stride = { .words = period, .quality = quality };

	if (!ask_targets(&stride, targets, target_count, count))
		return (struct hw_record_stride){ 0 };
	ask_constants(&stride, words, first, count);
	return stride;
}

struct hw_record_stride hw_records_stride(const struct hw_record_words *words, size_t first, size_t count,
	const uint32_t *targets, size_t target_count)
{
	const uint8_t *symbols = words->symbols + first;
	size_t longest = hw_min(count / HW_RECORD_LEAST, (size_t)HW_RECORD_LONGEST);
	double qualities[HW_RECORD_LONGEST + 1] = { 0 }, best = 0;
	struct weights weights;

	if (longest < 2)
		return (struct hw_record_stride){ 0 };
	weigh(symbols, count, &weights);
	for (size_t lag = 1; lag <= longest; lag++) {
		qualities[lag] = quality_of(symbols, count, lag, &weights);
		if (lag > 1)
			best = hw_max(best, qualities[lag]);
	}
	if (best < LEAST_QUALITY || qualities[1] > SAME_EVERYWHERE * best)
		return (struct hw_record_stride){ 0 };
	for (uint32_t lag = 2; lag <= longest; lag++) {
		if (qualities[lag] >= AS_GOOD * best)
			return judge(words, first, count, lag, qualities[lag], targets, target_count);
	}
	return (struct hw_record_stride){ 0 };
}

struct hw_record_stride hw_records_try(const struct hw_record_words *words, size_t first, size_t count,
	uint32_t stride, const uint32_t *targets, size_t target_count)
{
	const uint8_t *symbols = words->symbols + first;
	struct weights weights;
	double quality;

	if (!stride || count / stride < HW_RECORD_LEAST)
		return (struct hw_record_stride){ 0 };
	weigh(symbols, count, &weights);
	quality = quality_of(symbols, count, stride, &weights);
	if (quality < LEAST_QUALITY)
		return (struct hw_record_stride){ 0 };
	return judge(words, first, count, stride, quality, targets, target_count);
}
