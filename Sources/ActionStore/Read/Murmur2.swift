/// Kafka's default choice of a partition: MurmurHash2 of the key, as the Java client and librdkafka's
/// `murmur2_random` have it.
enum Murmur2 {
  static func partition(of key: [UInt8], count: Int32) -> Int32 {
    guard count > 0 else { return 0 }
    return Int32(hash(key) & 0x7FFF_FFFF) % count
  }

  static func hash(_ key: [UInt8]) -> UInt32 {
    let multiplier: UInt32 = 0x5BD1_E995
    var hash: UInt32 = 0x9747_B28C ^ UInt32(truncatingIfNeeded: key.count)
    var index = 0
    while index + 4 <= key.count {
      var word =
        UInt32(key[index]) | UInt32(key[index + 1]) << 8 | UInt32(key[index + 2]) << 16 | UInt32(key[index + 3]) << 24
      word = word &* multiplier
      word ^= word >> 24
      word = word &* multiplier
      hash = hash &* multiplier ^ word
      index += 4
    }
    let rest = key.count - index
    if rest >= 3 { hash ^= UInt32(key[index + 2]) << 16 }
    if rest >= 2 { hash ^= UInt32(key[index + 1]) << 8 }
    if rest >= 1 {
      hash ^= UInt32(key[index])
      hash = hash &* multiplier
    }
    hash ^= hash >> 13
    hash = hash &* multiplier
    return hash ^ (hash >> 15)
  }
}
