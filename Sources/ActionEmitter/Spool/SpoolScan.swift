/// What a spool file holds, found by reading all of it.
struct SpoolScan: Equatable {
  enum Tail: Equatable {
    /// Full: its end is written.
    case ended
    /// May be written to: after the last record there is nothing.
    case open
    /// The same, but for the beginning of a record whose writer was killed before it stored its length.
    case torn
    /// What follows the last record that is whole is no record: bytes have changed, or are missing.
    case damaged
  }

  var header: SpoolFormat.Header
  /// Behind the last whole record.
  var end: Int
  /// Behind the last action; where records begin when there is none.
  var actionsEnd: Int
  private var actionPlaces: [Int] = []
  var tail = Tail.open
  /// The next number of each project, as of the end of this file.
  var numbers: [[UInt8]: Int64] = [:]

  /// How many actions begin at `position` or after it.
  func actions(from position: Int) -> Int { actionPlaces.count { $0 >= position } }

  var isUnused: Bool { end == SpoolFormat.headerBytes && tail == .open }

  /// - Parameter bytes: as many as there are; fewer than the header says is damage.
  init(_ header: SpoolFormat.Header, _ bytes: UnsafeRawBufferPointer) {
    self.header = header
    end = SpoolFormat.headerBytes
    actionsEnd = end
    while true {
      switch Self.record(in: bytes, at: end, header) {
      case .none:
        let rest = UnsafeRawBufferPointer(rebasing: bytes[min(end, bytes.count)...])
        tail = .damaged
        guard bytes.count == header.fileBytes else { return }
        if rest.allSatisfy({ $0 == 0 }) { tail = .open } else if Self.isTorn(bytes, at: end, header) { tail = .torn }
        return
      case .damaged:
        tail = .damaged
        return
      case .record(.end, let next):
        end = next
        let rest = UnsafeRawBufferPointer(rebasing: bytes[next...])
        tail = bytes.count == header.fileBytes && rest.allSatisfy { $0 == 0 } ? .ended : .damaged
        return
      case .record(.numbers(let numbers), let next):
        for item in numbers { self.numbers[item.project] = item.next }
        end = next
      case .record(.action(let action), let next):
        let payload = end + SpoolFormat.recordHeadBytes
        let key = bytes[(payload + action.key.lowerBound)..<(payload + action.key.upperBound)]
        // The largest number has no successor; it is not reached by counting.
        numbers[SpoolRecord.project(of: key)] = action.sequence &+ 1
        actionPlaces.append(end)
        end = next
        actionsEnd = next
      }
    }
  }

  /// Whether what follows `position` is a record that was not finished: its kind is there, without length and checksum,
  /// and it is the last one.
  private static func isTorn(_ bytes: UnsafeRawBufferPointer, at position: Int, _ header: SpoolFormat.Header) -> Bool {
    guard position + SpoolFormat.recordHeadBytes < bytes.count, bytes.get(at: position, as: UInt64.self) == 0,
      (1...3).contains(bytes[position + SpoolFormat.recordHeadBytes])
    else { return false }
    return stride(from: position + 8, to: bytes.count, by: 8).allSatisfy { place in
      if case .record = record(in: bytes, at: place, header) { false } else { true }
    }
  }

  enum Found: Equatable {
    case record(SpoolRecord, next: Int)
    /// No record has been begun here.
    case none
    case damaged
  }

  static func record(in bytes: UnsafeRawBufferPointer, at position: Int, _ header: SpoolFormat.Header) -> Found {
    let start = position + SpoolFormat.recordHeadBytes
    guard start <= bytes.count else { return position >= bytes.count ? .none : .damaged }
    let count = Int(bytes.get(at: position, as: UInt32.self))
    guard count > 0 else { return .none }
    guard count <= bytes.count - start else { return .damaged }
    let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)])
    guard bytes.get(at: position + 4) == SpoolFormat.checksum(payload, of: header, at: position),
      let record = SpoolRecord(payload)
    else { return .damaged }
    let next = position + SpoolFormat.recordBytes(payload: count)
    guard next <= bytes.count, bytes[(start + count)..<next].allSatisfy({ $0 == 0 }) else { return .damaged }
    return .record(record, next: next)
  }
}
