/* What the processor has instructions for and Swift has no words for: AES, CRC-32C, and the shuffles that make base64.
   No key schedule, no mode, no fallback: ActionStore's BlockCipher, CRC32C and Base64URL have these. */
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

#endif
