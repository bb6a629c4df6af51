import AuditActions

/// What proves the numbered actions of a frame that came with a proof, as a record of the frame; it stands before those
/// that say their numbers. Its key is empty, and its ordinal zero.
///
/// | bytes | what |
/// | --- | --- |
/// | 4 | how many actions |
/// | 8 each | ascending: where among the frame's records the action's begins (4); where its texts begin, from the beginning of the body (4) |
/// | … | the texts of each in this order: of every ``ActionSeal/Part`` how many bytes it has (2), FF FF where it is not there, and these bytes |
///
/// Texts and not what they say, because checksum and signature are of the bytes.
enum SealRecord {
  struct Entry {
    /// Where its record begins, in bytes from the first record of the frame.
    var start: UInt32
    var seal: ActionSeal
  }

  static let headBytes = 4
  static let entryBytes = 8
  static let absent = UInt16.max

  /// - Parameter entries: ascending by their starts.
  static func encode(_ entries: [Entry]) -> [UInt8] {
    let head = headBytes + entries.count * entryBytes
    var bytes = [UInt8](repeating: 0, count: head)
    for (index, entry) in entries.enumerated() {
      let textStart = bytes.count
      bytes.withUnsafeMutableBytes { bytes in
        bytes.store(entry.start, at: headBytes + index * entryBytes)
        bytes.store(UInt32(truncatingIfNeeded: textStart), at: headBytes + index * entryBytes + 4)
      }
      for part in ActionSeal.Part.allCases {
        let text = entry.seal[part]
        let count = text.map { UInt16(truncatingIfNeeded: $0.utf8.count) } ?? absent
        bytes.append(UInt8(truncatingIfNeeded: count))
        bytes.append(UInt8(truncatingIfNeeded: count >> 8))
        if let text { bytes.append(contentsOf: text.utf8) }
      }
    }
    bytes.withUnsafeMutableBytes { $0.store(UInt32(truncatingIfNeeded: entries.count), at: 0) }
    return bytes
  }
}

/// The proofs of one frame, where they lie.
struct SealBlock {
  private let body: UnsafeRawBufferPointer
  let count: Int

  /// Nil for what no store writes. Looks at all of it: what is read from it later lies within.
  init?(_ body: UnsafeRawBufferPointer) {
    guard body.count >= SealRecord.headBytes else { return nil }
    self.body = body
    count = Int(body.integer(at: 0, as: UInt32.self))
    guard count > 0, count <= (body.count - SealRecord.headBytes) / SealRecord.entryBytes else { return nil }
    var position = SealRecord.headBytes + count * SealRecord.entryBytes
    for index in 0..<count {
      guard textStart(index) == position, index == 0 || start(index) > start(index - 1),
        let texts = Self.texts(body, at: position), texts.isSound
      else { return nil }
      position = texts.end
    }
    guard position == body.count else { return nil }
  }

  /// What proves the action whose record begins there; nil for one that came without.
  subscript(start: UInt32) -> ActionSeal? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self.start(middle) < start { low = middle + 1 } else { high = middle }
    }
    guard low < count, self.start(low) == start, let texts = Self.texts(body, at: textStart(low)) else { return nil }
    return ActionSeal { part in
      texts.places[part.rawValue].map { String(decoding: body[$0], as: UTF8.self) }
    }
  }

  private func start(_ index: Int) -> UInt32 {
    body.integer(at: SealRecord.headBytes + index * SealRecord.entryBytes)
  }

  private func textStart(_ index: Int) -> Int {
    Int(body.integer(at: SealRecord.headBytes + index * SealRecord.entryBytes + 4, as: UInt32.self))
  }

  private struct Texts {
    /// By part, from the beginning of the body.
    var places: [Range<Int>?] = []
    var end: Int

    /// Whether they can be those of a seal.
    var isSound: Bool {
      func place(_ part: ActionSeal.Part) -> Range<Int>? { places[part.rawValue] }
      return (place(.checksum) != nil || place(.signature) != nil)
        && ActionSeal.Part.allCases.allSatisfy { place($0)?.count ?? 0 <= $0.bytesMax }
    }
  }

  /// Nil where they do not lie in the body whole.
  private static func texts(_ body: UnsafeRawBufferPointer, at start: Int) -> Texts? {
    var texts = Texts(end: start)
    for _ in ActionSeal.Part.allCases {
      guard texts.end <= body.count - 2 else { return nil }
      let count: UInt16 = body.integer(at: texts.end)
      texts.end += 2
      guard count != SealRecord.absent else {
        texts.places.append(nil)
        continue
      }
      guard Int(count) <= body.count - texts.end else { return nil }
      texts.places.append(texts.end..<(texts.end + Int(count)))
      texts.end += Int(count)
    }
    return texts
  }

  /// The proofs of a frame that is whole. Throws nothing: `isDamaged` says that there is something no store writes.
  static func read(
    in bytes: UnsafeRawBufferPointer, _ frame: NumberedFrame
  ) -> (block: SealBlock?, isDamaged: Bool) {
    guard frame.numbersStart > 0 else { return (nil, false) }
    guard
      let first = FrameRecord.read(
        bytes, at: frame.recordsStart + frame.numbersStart, end: frame.end, coverageCount: frame.coverageCount)
    else { return (nil, true) }
    guard first.record.kind == .seals else { return (nil, false) }
    let block = SealBlock(
      UnsafeRawBufferPointer(rebasing: bytes[first.bodyPosition..<(first.bodyPosition + first.bodyBytes)]))
    return (block, block == nil)
  }
}
