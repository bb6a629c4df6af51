/// A place in a spool: everything before it.
struct SpoolPlace: Hashable, Comparable {
  var file: UInt64
  var position: Int

  static func < (left: SpoolPlace, right: SpoolPlace) -> Bool {
    (left.file, left.position) < (right.file, right.position)
  }
}

/// Up to where Kafka has acknowledged the spool, in the file `progress`: two slots of 64 bytes that are written by
/// turns, so that one of them is whole at any moment. All integers are little-endian.
///
/// | offset | bytes | what |
/// | --- | --- | --- |
/// | 0 | 8 | number of the entry, ascending by one; the slot is its parity |
/// | 8 | 8 | number of a file |
/// | 16 | 8 | position in it: what is before is acknowledged |
/// | 24 | 4 | 1 after the spool was closed, 0 while it is open |
/// | 28 | 4 | CRC-32C of the id of the system's start |
/// | 32 | 4 | CRC-32C of what is before |
struct SpoolProgress {
  static let bytes = 128
  static let slotBytes = 64

  struct Entry: Equatable {
    var number: UInt64
    var acknowledged: SpoolPlace
    var isClosed: Bool
    var boot: UInt32
  }

  let mapping: SpoolMapping
  let boot: UInt32
  private var number: UInt64

  init(mapping: SpoolMapping, after entry: Entry?, boot: UInt32) {
    self.mapping = mapping
    self.boot = boot
    number = entry?.number ?? 0
  }

  /// No system call: it is stored in the mapping.
  mutating func store(_ place: SpoolPlace, isClosed: Bool = false) {
    number += 1
    let start = Int(number % 2) * Self.slotBytes
    let slot = UnsafeMutableRawBufferPointer(rebasing: mapping.bytes[start..<(start + Self.slotBytes)])
    slot.put(number, at: 0)
    slot.put(place.file, at: 8)
    slot.put(UInt64(place.position), at: 16)
    slot.put(isClosed ? UInt32(1) : 0, at: 24)
    slot.put(boot, at: 28)
    slot.put(SpoolFormat.checksum(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(slot)[..<32])), at: 32)
  }

  /// The latest whole entry; nil when there is none.
  static func read(_ bytes: UnsafeRawBufferPointer) -> Entry? {
    var latest: Entry?
    for start in [0, slotBytes] where bytes.count >= start + slotBytes {
      let slot = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + slotBytes)])
      let number: UInt64 = slot.get(at: 0)
      guard slot.get(at: 32) == SpoolFormat.checksum(UnsafeRawBufferPointer(rebasing: slot[..<32])), number > 0,
        number < 1 << 62, Int(number % 2) * slotBytes == start, number > latest?.number ?? 0
      else { continue }
      latest = Entry(
        number: number,
        acknowledged: SpoolPlace(
          file: slot.get(at: 8), position: Int(truncatingIfNeeded: slot.get(at: 16, as: UInt64.self))),
        isClosed: slot.get(at: 24, as: UInt32.self) == 1, boot: slot.get(at: 28))
    }
    return latest
  }
}
