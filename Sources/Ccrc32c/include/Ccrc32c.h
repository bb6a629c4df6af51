/* CRC-32C (Castagnoli) in the processor's own instructions. The tables for processors without them are CRC32C.swift's. */
#ifndef CCRC32C_H
#define CCRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Whether this processor has the instructions. Without them ccrc32c_update must not be called. */
int ccrc32c_is_available(void);

/* The register (complemented, as between two pieces of a message) after `count` more bytes, which need not be
   aligned. */
uint32_t ccrc32c_update(uint32_t state, const uint8_t *bytes, size_t count);

/* The same on any processor: bit by bit, and so slowly, where there are no instructions. */
uint32_t ccrc32c_extend(uint32_t state, const uint8_t *bytes, size_t count);

#endif
