/* bignum.c -- many tiny short-lived blocks among arithmetic, after the idea of cfrac: numbers of arbitrary size are
 * blocks of their own, and every operation returns a new one. Computes the convergents of the continued fraction of e
 * exactly, and adds their digits to the checksum.
 *
 * Scale: 10 fractions of 240 terms each.
 */
#include "kernel.h"

struct number {
  uint32_t length;
  uint32_t limbs[];
};

static NOINLINE struct number *blank(uint32_t length) {
  struct number *number = malloc(sizeof *number + length * sizeof(uint32_t));
  if (!number) abort();
  number->length = length;
  return number;
}

static struct number *from(uint32_t value) {
  struct number *number = blank(1);
  number->limbs[0] = value;
  return number;
}

static NOINLINE struct number *multiply(const struct number *a, uint32_t by) {
  struct number *product = blank(a->length + 1);
  uint64_t carry = 0;
  for (uint32_t i = 0; i < a->length; i++) {
    carry += (uint64_t)a->limbs[i] * by;
    product->limbs[i] = (uint32_t)carry;
    carry >>= 32;
  }
  product->limbs[a->length] = (uint32_t)carry;
  while (product->length > 1 && product->limbs[product->length - 1] == 0) product->length--;
  return product;
}

static NOINLINE struct number *add(const struct number *a, const struct number *b) {
  if (a->length < b->length) return add(b, a);
  struct number *total = blank(a->length + 1);
  uint64_t carry = 0;
  for (uint32_t i = 0; i < a->length; i++) {
    carry += (uint64_t)a->limbs[i] + (i < b->length ? b->limbs[i] : 0);
    total->limbs[i] = (uint32_t)carry;
    carry >>= 32;
  }
  total->limbs[a->length] = (uint32_t)carry;
  while (total->length > 1 && total->limbs[total->length - 1] == 0) total->length--;
  return total;
}

/* next = term * now + before: one step of a convergent. Frees `before` and returns a new number. */
static NOINLINE struct number *step(struct number *before, const struct number *now, uint32_t term) {
  struct number *scaled = multiply(now, term);
  struct number *next = add(scaled, before);
  free(scaled);
  free(before);
  return next;
}

static NOINLINE uint32_t fraction(uint32_t terms, uint32_t sum) {
  struct number *p0 = from(1), *p1 = from(2), *q0 = from(0), *q1 = from(1);
  for (uint32_t i = 1; i < terms; i++) {
    /* e = [2; 1, 2, 1, 1, 4, 1, 1, 6, ...] */
    uint32_t term = i % 3 == 2 ? (i + 1) / 3 * 2 : 1;
    struct number *p = step(p0, p1, term), *q = step(q0, q1, term);
    p0 = p1, p1 = p, q0 = q1, q1 = q;
  }
  for (uint32_t i = 0; i < p1->length; i++) sum = mix(sum, p1->limbs[i]);
  for (uint32_t i = 0; i < q1->length; i++) sum = mix(sum, q1->limbs[i]);
  free(p0), free(p1), free(q0), free(q1);
  return sum;
}

int run(int scale) {
  uint32_t sum = 2166136261u;
  for (int i = 0; i < scale * 10; i++) sum = fraction(240 + (uint32_t)(i & 7), sum);
  return (int)sum;
}
