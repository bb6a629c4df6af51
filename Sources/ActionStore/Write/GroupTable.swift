/// The writer's own way from (key, partition) to a group's number: open addressing over bytes, no allocation and no
/// lock for a key seen before.
struct GroupTable {
  private struct Slot {
    var hash: UInt64
    var keyStart: Int
    var keyBytes: Int
    var partition: Int32
    /// Number of the group plus one; zero for an empty slot.
    var number: UInt32
  }

  private var slots = [Slot](
    repeating: Slot(hash: 0, keyStart: 0, keyBytes: 0, partition: 0, number: 0), count: 1 << 10)
  private var count = 0
  private var keys: [UInt8] = []
  /// Differs in every process, so that nobody can choose names that share a slot.
  private let seed = UInt64.random(in: 0 ... .max) | 1

  @inline(__always)
  private func mixed(_ hash: UInt64, _ partition: Int32) -> UInt64 {
    let product = (hash ^ UInt64(UInt32(bitPattern: partition)) &* 0xD6E8_FEB8_6659_FD93).multipliedFullWidth(by: seed)
    return product.high ^ product.low
  }

  /// The group's number, or nil when the pair is new.
  @inline(__always)
  func number(of key: UnsafeRawBufferPointer, partition: Int32) -> UInt32? {
    let hash = mixed(QueueKey.hash(of: key), partition)
    return slots.withUnsafeBufferPointer { slots in
      var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[index].number != 0 {
        let slot = slots[index]
        if slot.hash == hash, slot.partition == partition, slot.keyBytes == key.count, isEqual(slot, key) {
          return slot.number - 1
        }
        index = (index + 1) & (slots.count - 1)
      }
      return nil
    }
  }

  @inline(__always)
  private func isEqual(_ slot: Slot, _ key: UnsafeRawBufferPointer) -> Bool {
    keys.withUnsafeBytes { stored in
      for index in 0..<key.count where stored[slot.keyStart + index] != key[index] { return false }
      return true
    }
  }

  mutating func insert(_ key: UnsafeRawBufferPointer, partition: Int32, number: UInt32) {
    if (count + 1) * 2 > slots.count { grow() }
    let slot = Slot(
      hash: mixed(QueueKey.hash(of: key), partition), keyStart: keys.count, keyBytes: key.count, partition: partition,
      number: number + 1)
    keys.append(contentsOf: key)
    place(slot)
    count += 1
  }

  private mutating func place(_ slot: Slot) {
    var index = Int(truncatingIfNeeded: slot.hash) & (slots.count - 1)
    while slots[index].number != 0 { index = (index + 1) & (slots.count - 1) }
    slots[index] = slot
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](
      repeating: Slot(hash: 0, keyStart: 0, keyBytes: 0, partition: 0, number: 0), count: old.count * 2)
    for slot in old where slot.number != 0 { place(slot) }
  }
}
