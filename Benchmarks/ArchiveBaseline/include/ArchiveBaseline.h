#pragma once

/* What is packed of each record. */
enum archive_baseline_content {
  archive_baseline_nothing = 0, /* read and thrown away */
  archive_baseline_values = 1,  /* the value */
  archive_baseline_lines = 2    /* the line that an archive has of it, byte for byte */
};

/* Reads `count` records of a topic from the beginning in batches and packs them with zlib, level 6, gzip, into memory
 * that is thrown away, all on the calling thread.
 *
 * Returns how many bytes went into zlib; -1 after a message on standard error. */
long archive_baseline(const char *servers, const char *topic, long count, enum archive_baseline_content content);
