#include "Cprocessor.h"

#if defined(__x86_64__)

#include <string.h>
#include <tmmintrin.h>

int processor_has_base64url(void) { return __builtin_cpu_supports("ssse3") != 0; }

/* The first 12 bytes as 16 characters (W. Muła, D. Lemire, "Faster Base64 Encoding and Decoding Using AVX2
   Instructions", in 128 bits): three bytes to a lane of 32 bits, cut into four numbers of 6 bits by multiplication, and
   to each number the distance to its character added. */
__attribute__((target("ssse3"))) static inline __m128i characters(__m128i bytes) {
  bytes = _mm_shuffle_epi8(bytes, _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  __m128i first_third = _mm_mulhi_epu16(_mm_and_si128(bytes, _mm_set1_epi32(0x0fc0fc00)), _mm_set1_epi32(0x04000040));
  __m128i second_fourth = _mm_mullo_epi16(_mm_and_si128(bytes, _mm_set1_epi32(0x003f03f0)), _mm_set1_epi32(0x01000010));
  __m128i numbers = _mm_or_si128(first_third, second_fourth);
  __m128i range = _mm_subs_epu8(numbers, _mm_set1_epi8(51));
  range = _mm_or_si128(range, _mm_and_si128(_mm_cmpgt_epi8(_mm_set1_epi8(26), numbers), _mm_set1_epi8(13)));
  __m128i distances = _mm_setr_epi8(
      'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
      '-' - 62, '_' - 63, 'A', 0, 0);
  return _mm_add_epi8(numbers, _mm_shuffle_epi8(distances, range));
}

__attribute__((target("ssse3"))) void processor_base64url(const uint8_t *bytes, size_t count, uint8_t *text) {
  for (; count >= 16; bytes += 12, count -= 12, text += 16)
    _mm_storeu_si128((__m128i *)text, characters(_mm_loadu_si128((const __m128i *)bytes)));
  while (count > 0) {
    uint8_t rest[16] = {0}, end[16];
    size_t some = count < 12 ? count : 12;
    memcpy(rest, bytes, some);
    _mm_storeu_si128((__m128i *)end, characters(_mm_loadu_si128((const __m128i *)rest)));
    memcpy(text, end, (some * 4 + 2) / 3);
    bytes += some, count -= some, text += 16;
  }
}

#else

int processor_has_base64url(void) { return 0; }

void processor_base64url(const uint8_t *bytes, size_t count, uint8_t *text) {
  (void)bytes;
  (void)count;
  (void)text;
}

#endif
