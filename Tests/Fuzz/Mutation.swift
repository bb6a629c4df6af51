/// Damage that keeps most of an input's structure: what a parser has to see through is nearly right.
struct Mutation {
  /// Pieces that mean something in the input's format.
  var dictionary: [[UInt8]]
  /// No input grows beyond this.
  var bytesMax = 64 << 10

  init(_ words: [String], raw: [[UInt8]] = []) {
    dictionary = words.map { Array($0.utf8) } + raw
  }

  /// Changes a few places; `other` lends parts to be spliced in.
  func apply(to input: [UInt8], with other: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var bytes = input
    var left = 1 + random.below(random.oneIn(8) ? 12 : 3)
    while left > 0 {
      left -= 1
      change(&bytes, other, &random)
    }
    if bytes.count > bytesMax { bytes.removeLast(bytes.count - bytesMax) }
    return bytes
  }

  private func change(_ bytes: inout [UInt8], _ other: [UInt8], _ random: inout SeededRandom) {
    let place = random.below(bytes.count + 1)
    let isInside = place < bytes.count
    switch random.below(14) {
    case 0 where isInside: bytes[place] ^= 1 << UInt8(random.below(8))
    case 1 where isInside: bytes[place] = random.byte()
    case 2 where isInside: bytes[place] = bytes[place] &+ (random.oneIn(2) ? 1 : 255)
    case 3 where isInside: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(4)))
    case 4: bytes.removeLast(bytes.count - place)
    case 5 where isInside:
      let part = bytes[place..<min(bytes.count, place + 1 + random.below(32))]
      bytes.insert(contentsOf: part, at: random.below(bytes.count + 1))
    case 6 where !other.isEmpty:
      let start = random.below(other.count)
      bytes.insert(contentsOf: other[start..<min(other.count, start + 1 + random.below(64))], at: place)
    case 7 where !other.isEmpty:
      // The head of one input and the tail of another.
      bytes.removeLast(bytes.count - place)
      bytes += other[random.below(other.count)...]
    case 8 where isInside: changeNumber(&bytes, at: place, &random)
    case 9 where isInside: changeDigits(&bytes, from: place, &random)
    case 10: bytes.insert(contentsOf: [UInt8](repeating: random.byte(), count: 1 + random.below(200)), at: place)
    case 11:
      bytes.insert(random.pick([0x00, 0x0A, 0x0D, 0x20, 0x22, 0x25, 0x5C, 0x7F, 0x80, 0xC3, 0xED, 0xFF]), at: place)
    default:
      guard !dictionary.isEmpty else { return }
      let word = random.pick(dictionary)
      if random.oneIn(2) {
        bytes.insert(contentsOf: word, at: place)
      } else {
        bytes.replaceSubrange(place..<min(bytes.count, place + word.count), with: word)
      }
    }
  }

  /// Length fields and counts: a binary number of 2, 4 or 8 bytes becomes one at an edge.
  private func changeNumber(_ bytes: inout [UInt8], at place: Int, _ random: inout SeededRandom) {
    let width = random.pick([2, 4, 8])
    let edges: [UInt64] = [
      0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, .max / 2, .max / 2 + 1,
      .max, UInt64(bytes.count), UInt64(bytes.count &- 1), UInt64(random.below(1 << 16)),
    ]
    // Numbers lie on even places in the formats there are.
    let start = random.oneIn(3) ? place : place & ~(width - 1)
    var value = random.pick(edges)
    for index in start..<min(bytes.count, start + width) {
      bytes[index] = UInt8(truncatingIfNeeded: value)
      value >>= 8
    }
  }

  /// Numbers in text: the digits at or behind a place become others.
  private func changeDigits(_ bytes: inout [UInt8], from place: Int, _ random: inout SeededRandom) {
    guard let start = bytes[place...].firstIndex(where: { $0 >= 0x30 && $0 <= 0x39 }) else { return }
    let end = bytes[start...].firstIndex { $0 < 0x30 || $0 > 0x39 } ?? bytes.count
    let numbers = [
      "0", "1", "-1", "49", "50", "51", "100", "300", "1209600", "1209601", "2147483647", "2147483648", "4294967296",
      "9223372036854775807", "9223372036854775808", "18446744073709551616", "00", "1e9", "0x10", "",
    ]
    bytes.replaceSubrange(start..<end, with: Array(random.pick(numbers).utf8))
  }
}
