#include "Cprocessor.h"

#include <string.h>

#if defined(__x86_64__)

#include <nmmintrin.h>

int processor_has_crc32c(void) { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) uint32_t processor_crc32c(uint32_t state, const uint8_t *bytes, size_t count) {
  uint64_t wide = state;
  for (; count >= 8; count -= 8, bytes += 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  state = (uint32_t)wide;
  for (; count > 0; count--, bytes++) state = _mm_crc32_u8(state, *bytes);
  return state;
}

#elif defined(__aarch64__) && defined(__linux__)

#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

int processor_has_crc32c(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

__attribute__((target("crc"))) uint32_t processor_crc32c(uint32_t state, const uint8_t *bytes, size_t count) {
  for (; count >= 8; count -= 8, bytes += 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    state = __crc32cd(state, word);
  }
  for (; count > 0; count--, bytes++) state = __crc32cb(state, *bytes);
  return state;
}

#else

int processor_has_crc32c(void) { return 0; }

uint32_t processor_crc32c(uint32_t state, const uint8_t *bytes, size_t count) {
  (void)bytes;
  (void)count;
  return state;
}

#endif

uint32_t processor_crc32c_anywhere(uint32_t state, const uint8_t *bytes, size_t count) {
  if (processor_has_crc32c()) return processor_crc32c(state, bytes, count);
  for (; count > 0; count--, bytes++) {
    state ^= *bytes;
    for (int bit = 0; bit < 8; bit++) state = state & 1 ? state >> 1 ^ 0x82F63B78u : state >> 1;
  }
  return state;
}
