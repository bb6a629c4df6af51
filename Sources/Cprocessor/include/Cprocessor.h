/* What the processor has instructions for and Swift has no words for: AES, CRC-32C, the shuffles that make base64, and
   the first byte of sixteen that matters; and which cores there are, of which the C library tells Swift nothing.
   No key schedule, no mode, and no other way but that of the plain run: ActionStore's BlockCipher, CRC32C and Base64URL
   have these. */
#ifndef CPROCESSOR_H
#define CPROCESSOR_H

#include <stddef.h>
#include <stdint.h>

/* Whether this processor has the instructions. Without them the function below each must not be called. */
int processor_has_aes(void);

/* Encrypts `count` blocks of 16 bytes in place, each by itself, by AES-256 (FIPS 197).
   round_keys: the expanded key, 15 times 16 bytes. Neither pointer need be aligned. */
void processor_encrypt_aes256(const uint8_t *round_keys, uint8_t *blocks, size_t count);

int processor_has_crc32c(void);

/* The register of a CRC-32C (Castagnoli), complemented as between two pieces of a message, after `count` more bytes,
   which need not be aligned. */
uint32_t processor_crc32c(uint32_t state, const uint8_t *bytes, size_t count);

/* The same on any processor: bit by bit, and so slowly, where there are no instructions. */
uint32_t processor_crc32c_anywhere(uint32_t state, const uint8_t *bytes, size_t count);

int processor_has_base64url(void);

/* Writes `count` bytes as base64 with the URL-safe alphabet, without padding: (count * 4 + 2) / 3 characters. */
void processor_base64url(const uint8_t *bytes, size_t count, uint8_t *text);

/* How many of `count` bytes come before the first that ends or complicates a JSON string: a quote, a backslash, a control
   character, or one that is not ASCII; `count` when there is none. On any processor; fastest with SSE2. */
static inline size_t processor_plain_run(const uint8_t *bytes, size_t count) {
  size_t run = 0;
#if defined(__SSE2__) /* any x86-64 */
  typedef char sixteen __attribute__((vector_size(16), aligned(1)));
  for (; count - run >= 16; run += 16) {
    sixteen text = *(const sixteen *)(bytes + run);
    /* Signed: what is not ASCII is less than a space, too. */
    unsigned flags = (unsigned)__builtin_ia32_pmovmskb128((sixteen)((text < ' ') | (text == '"') | (text == '\\')));
    if (flags != 0) return run + (size_t)__builtin_ctz(flags);
  }
#elif defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
  for (; count - run >= 8; run += 8) {
    uint64_t text;
    __builtin_memcpy(&text, bytes + run, 8);
    /* A byte's high bit is set where it matters. Borrows reach only bytes above a flagged one, so the lowest flag is
       exact, and only that one is used. */
    uint64_t flags =
        ((text - ones * ' ') | ((text ^ ones * '"') - ones) | ((text ^ ones * '\\') - ones) | text) & high;
    if (flags != 0) return run + (size_t)(__builtin_ctzll(flags) / 8);
  }
#endif
  while (run < count && bytes[run] >= ' ' && bytes[run] < 0x80 && bytes[run] != '"' && bytes[run] != '\\') run++;
  return run;
}

/* How many cores the calling thread may run on (taskset, a cpuset); 0 when the system does not tell. */
int processor_usable_cores(void);

#endif
