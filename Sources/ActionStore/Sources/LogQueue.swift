import AuditActions

/// For which queue of its project the actions of a log came, as far as that is known.
enum LogQueue: Sendable, Equatable {
  /// None has come.
  case none
  /// All for this one.
  case sole(String)
  /// For several, or it is not known: the log was kept by a version that did not look.
  case several

  /// Takes where more of them came for.
  mutating func add(_ other: LogQueue) {
    switch (self, other) {
    case (.none, _): self = other
    case (_, .none): break
    default: if self != other { self = .several }
    }
  }

  // MARK: In a frame

  /// What stands behind a ``SourceRecord``: a line end and the queue's name, or `*` for several. Records of versions
  /// before have none: no source, log id or ranges have a line end in them.
  var suffix: [UInt8] {
    switch self {
    case .sole(let queue): [0x0A] + Array(queue.utf8)
    case .none, .several: [0x0A, UInt8(ascii: "*")]
    }
  }

  /// Divides what is in a frame into the record and its queue.
  static func split(_ bytes: UnsafeRawBufferPointer) -> (
    record: UnsafeRawBufferPointer, queue: LogQueue
  ) {
    // The first four bytes are lengths, of any value.
    guard let end = bytes.dropFirst(4).lastIndex(of: 0x0A) else { return (bytes, .several) }
    let name = String(decoding: bytes[(end + 1)...], as: UTF8.self)
    return (UnsafeRawBufferPointer(rebasing: bytes[..<end]), LogQueue(name: name))
  }

  // MARK: In the catalog

  /// Nil for several.
  var name: String? { if case .sole(let queue) = self { queue } else { nil } }

  /// Several for what is no queue's name.
  init(name: String?) {
    self =
      if let name, (try? QueueAddress.validateQueue(name)) != nil { .sole(name) } else { .several }
  }
}
