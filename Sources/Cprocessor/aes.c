#include "Cprocessor.h"

#if defined(__x86_64__)

#include <wmmintrin.h>

int processor_has_aes(void) { return __builtin_cpu_supports("aes") != 0; }

/* Four blocks at a time: one round takes four cycles, and the next block's can begin in each of them. */
__attribute__((target("aes,sse2"))) void processor_encrypt_aes256(
    const uint8_t *round_keys, uint8_t *blocks, size_t count) {
  const __m128i *keys = (const __m128i *)round_keys;
  __m128i *next = (__m128i *)blocks;
  while (count >= 4) {
    __m128i key = _mm_loadu_si128(keys);
    __m128i a = _mm_xor_si128(_mm_loadu_si128(next), key);
    __m128i b = _mm_xor_si128(_mm_loadu_si128(next + 1), key);
    __m128i c = _mm_xor_si128(_mm_loadu_si128(next + 2), key);
    __m128i d = _mm_xor_si128(_mm_loadu_si128(next + 3), key);
    for (int round = 1; round < 14; round++) {
      key = _mm_loadu_si128(keys + round);
      a = _mm_aesenc_si128(a, key);
      b = _mm_aesenc_si128(b, key);
      c = _mm_aesenc_si128(c, key);
      d = _mm_aesenc_si128(d, key);
    }
    key = _mm_loadu_si128(keys + 14);
    _mm_storeu_si128(next, _mm_aesenclast_si128(a, key));
    _mm_storeu_si128(next + 1, _mm_aesenclast_si128(b, key));
    _mm_storeu_si128(next + 2, _mm_aesenclast_si128(c, key));
    _mm_storeu_si128(next + 3, _mm_aesenclast_si128(d, key));
    next += 4;
    count -= 4;
  }
  for (; count > 0; count--, next++) {
    __m128i block = _mm_xor_si128(_mm_loadu_si128(next), _mm_loadu_si128(keys));
    for (int round = 1; round < 14; round++) block = _mm_aesenc_si128(block, _mm_loadu_si128(keys + round));
    _mm_storeu_si128(next, _mm_aesenclast_si128(block, _mm_loadu_si128(keys + 14)));
  }
}

#else

int processor_has_aes(void) { return 0; }

void processor_encrypt_aes256(const uint8_t *round_keys, uint8_t *blocks, size_t count) {
  (void)round_keys;
  (void)blocks;
  (void)count;
}

#endif
